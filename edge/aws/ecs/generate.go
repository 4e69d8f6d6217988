package ecs

//go:generate go run github.com/cairn-discovery/cairn/tools/awsgen -model model/ecs-2014-11-13.json
