package cloudmap

//go:generate go run cairn/internal/awsgen -model model/servicediscovery-2017-03-14.json
