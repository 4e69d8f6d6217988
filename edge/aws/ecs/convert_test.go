package ecs

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

// TestConvert fills every member of the shapes, converts them to the types of
// core/task and back, and expects that nothing was lost.
func TestConvert(t *testing.T) {
	roundTrip[ContainerDefinition, task.ContainerDefinition](t)
	roundTrip[Volume, task.Volume](t)
	roundTrip[TaskDefinitionPlacementConstraint, task.TaskDefinitionPlacementConstraint](t)
	roundTrip[RuntimePlatform, task.RuntimePlatform](t)
	roundTrip[ProxyConfiguration, task.ProxyConfiguration](t)
	roundTrip[InferenceAccelerator, task.InferenceAccelerator](t)
	roundTrip[EphemeralStorage, task.EphemeralStorage](t)
	roundTrip[NetworkConfiguration, task.NetworkConfiguration](t)
	roundTrip[DeploymentConfiguration, task.DeploymentConfiguration](t)
	roundTrip[DeploymentController, task.DeploymentController](t)
	roundTrip[ServiceRegistry, task.ServiceRegistry](t)
	roundTrip[ServiceConnectConfiguration, task.ServiceConnectConfiguration](t)
	roundTrip[PlacementStrategy, task.PlacementStrategy](t)
	roundTrip[PlacementConstraint, task.PlacementConstraint](t)
	roundTrip[CapacityProviderStrategyItem, task.CapacityProviderStrategyItem](t)
	roundTrip[LoadBalancer, task.LoadBalancer](t)
	roundTrip[ServiceVolumeConfiguration, task.ServiceVolumeConfiguration](t)
	roundTrip[VpcLatticeConfiguration, task.VpcLatticeConfiguration](t)
	roundTrip[TaskOverride, task.TaskOverride](t)
	roundTrip[Tag, task.Tag](t)
	roundTrip[Attribute, task.Attribute](t)
	roundTrip[ClusterSetting, task.ClusterSetting](t)
	roundTrip[ClusterConfiguration, task.ClusterConfiguration](t)
	roundTrip[ClusterServiceConnectDefaultsRequest, task.ClusterServiceConnectDefaultsRequest](t)
	roundTrip[Resource, task.Resource](t)
	roundTrip[VersionInfo, task.VersionInfo](t)
}

func roundTrip[Shape, Core any](t *testing.T) {
	var shape Shape
	fill(reflect.ValueOf(&shape).Elem())
	core := convert[Core](&shape)
	if again := convert[Shape](&core); !reflect.DeepEqual(shape, again) {
		t.Errorf("%T became %+v through %+v", shape, again, core)
	}
}

// fill gives every member of a value something that is not the zero value.
func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[*DiscoveryRegistries]() {
		return // core/task has it elsewhere: see DiscoveryBlock
	}
	if document, ok := v.Addr().Interface().(*json.RawMessage); ok {
		*document = json.RawMessage("{}")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text \x00\n<é>")
	case reflect.Int64:
		v.SetInt(1<<53 + 1)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Bool:
		v.SetBool(true)
	}
}
