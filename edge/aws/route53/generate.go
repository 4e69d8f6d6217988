package route53

//go:generate go run github.com/cairn-discovery/cairn/tools/awsgen -model model/route53-2013-04-01.json
