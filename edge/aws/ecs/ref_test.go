package ecs

import "testing"

// Terraform with skip_requesting_account_id imports a service by the ARN of a cluster
// without an account.
func TestARNWithoutAccount(t *testing.T) {
	w := newFixture(t)
	w.must("CreateCluster", `{"clusterName": "shop"}`)
	w.has("DescribeClusters", `{"clusters": ["arn:aws:ecs:eu-west-1::cluster/shop"]}`, `"clusterName":"shop"`, `"failures":[]`)
	w.has("ListServices", `{"cluster": "arn:aws:ecs:eu-west-1::cluster/shop"}`, `"serviceArns":[]`)
	w.fails("ListServices", `{"cluster": "arn:aws:ecs:eu-west-1:999999999999:cluster/shop"}`, codeClusterNotFoundException, "Cluster not found.")
}
