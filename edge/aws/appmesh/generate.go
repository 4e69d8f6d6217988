package appmesh

//go:generate go run github.com/cairn-discovery/cairn/tools/awsgen -model model/appmesh-2019-01-25.json
