// Command discover runs in a task. It calls DiscoverInstances with the SDK of AWS and
// nothing configured, resolves the same service by DNS, and reads the metadata of its task.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	fmt.Println("credentials:", keys.Source, "token:", keys.SessionToken != "", "expire:", keys.CanExpire)
	namespace, service := "shop", "web"
	out, err := servicediscovery.NewFromConfig(cfg).DiscoverInstances(ctx, &servicediscovery.DiscoverInstancesInput{NamespaceName: &namespace, ServiceName: &service})
	if err != nil {
		return err
	}
	for _, i := range out.Instances {
		fmt.Println("instance:", *i.InstanceId, i.Attributes["AWS_INSTANCE_IPV4"])
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, service+"."+namespace)
	if err != nil {
		return err
	}
	fmt.Println("addresses:", addresses)
	resp, err := http.Get(os.Getenv("ECS_CONTAINER_METADATA_URI_V4") + "/task")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var task struct{ TaskARN, Family string }
	if err := json.NewDecoder(resp.Body).Decode(&task); err != nil {
		return err
	}
	fmt.Println("task:", task.TaskARN, task.Family)
	return nil
}
