package appmesh

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/core/mesh"
)

// TestConvert fills every member of the specs, converts them to the types of core/mesh
// and back, and expects that nothing was lost.
func TestConvert(t *testing.T) {
	roundTrip[MeshSpec](t, mesh.KindMesh)
	roundTrip[VirtualNodeSpec](t, mesh.KindVirtualNode)
	roundTrip[VirtualServiceSpec](t, mesh.KindVirtualService)
	roundTrip[VirtualRouterSpec](t, mesh.KindVirtualRouter)
	roundTrip[RouteSpec](t, mesh.KindRoute)
	roundTrip[VirtualGatewaySpec](t, mesh.KindVirtualGateway)
	roundTrip[GatewayRouteSpec](t, mesh.KindGatewayRoute)
}

func roundTrip[T any](t *testing.T, k mesh.Kind) {
	shape := new(T)
	if again := specShape[T](specOf(k, shape)); k != mesh.KindVirtualGateway && !reflect.DeepEqual(shape, again) {
		t.Errorf("the empty %T became %+v", shape, again)
	}
	fill(reflect.ValueOf(shape).Elem(), 2)
	if again := specShape[T](specOf(k, shape)); !reflect.DeepEqual(shape, again) {
		t.Errorf("%T became %+v", shape, again)
	}
	empty := new(T)
	fill(reflect.ValueOf(empty).Elem(), 0)
	if again := specShape[T](specOf(k, empty)); !reflect.DeepEqual(empty, again) {
		t.Errorf("%T with empty lists became %+v", empty, again)
	}
}

// fill gives every member of a value something that is not the zero value, and lists n
// items.
func fill(v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString("text \x00\n<é>")
	case reflect.Int64:
		v.SetInt(1<<53 + 1)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("a kind of member that this test does not know: " + v.Kind().String())
	}
}
