package cloudmap

//go:generate go run github.com/cairn-discovery/cairn/tools/awsgen -model model/servicediscovery-2017-03-14.json
