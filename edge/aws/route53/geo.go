package route53

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// pairs yields the codes and names of a table.
func pairs(table string, yield func(code, name string)) {
	for pair := range strings.SplitSeq(strings.TrimSuffix(table, ";"), ";") {
		code, name, _ := strings.Cut(pair, "=")
		yield(code, name)
	}
}

// ContinentOf returns the code of the continent of a country, or "" for an unknown country.
func ContinentOf(country string) string {
	for _, continent := range continents {
		if country != "" && strings.Contains(";"+continent.countries, ";"+country+"=") {
			return continent.code
		}
	}
	return ""
}

// locations returns all locations in the order of ListGeoLocations: the default first,
// then continents, then countries, each with its subdivisions.
func locations() []GeoLocationDetails {
	all := []GeoLocationDetails{{CountryCode: zone.Everywhere, CountryName: "Default"}}
	var countries []GeoLocationDetails
	for _, continent := range continents {
		all = append(all, GeoLocationDetails{ContinentCode: continent.code, ContinentName: continent.name})
		pairs(continent.countries, func(code, name string) {
			countries = append(countries, GeoLocationDetails{CountryCode: code, CountryName: name})
		})
	}
	slices.SortFunc(countries, func(a, b GeoLocationDetails) int { return cmp.Compare(a.CountryCode, b.CountryCode) })
	for _, country := range countries {
		all = append(all, country)
		if table := subdivisions[country.CountryCode]; table != "" {
			pairs(table, func(code, name string) {
				sub := country
				sub.SubdivisionCode, sub.SubdivisionName = code, name
				all = append(all, sub)
			})
		}
	}
	return all
}

// geoKey orders locations.
func geoKey(g *GeoLocationDetails) string {
	kind := "1"
	switch {
	case g.CountryCode == zone.Everywhere:
		kind = "0"
	case g.CountryCode != "":
		kind = "2"
	}
	return kind + g.ContinentCode + g.CountryCode + "\x00" + g.SubdivisionCode
}

func noSuchLocation() error {
	return &hostedzone.Error{Code: codeNoSuchGeoLocation, Message: "The specified geolocation does not exist."}
}

// GetGeoLocation says whether a location can be used. Without codes it is the default.
func (a *api) GetGeoLocation(_ context.Context, _ *service.Call, in *GetGeoLocationRequest) (*GetGeoLocationResponse, error) {
	want := GeoLocationDetails{ContinentCode: service.Value(in.ContinentCode), CountryCode: service.Value(in.CountryCode), SubdivisionCode: service.Value(in.SubdivisionCode)}
	if want == (GeoLocationDetails{}) {
		want.CountryCode = zone.Everywhere
	}
	for _, g := range locations() {
		if geoKey(&g) == geoKey(&want) {
			return &GetGeoLocationResponse{GeoLocationDetails: &g}, nil
		}
	}
	return nil, noSuchLocation()
}

func (a *api) ListGeoLocations(_ context.Context, _ *service.Call, in *ListGeoLocationsRequest) (*ListGeoLocationsResponse, error) {
	size, err := pageSize(in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	from := GeoLocationDetails{ContinentCode: service.Value(in.StartContinentCode), CountryCode: service.Value(in.StartCountryCode), SubdivisionCode: service.Value(in.StartSubdivisionCode)}
	start := ""
	if from != (GeoLocationDetails{}) {
		start = geoKey(&from)
	}
	out := &ListGeoLocationsResponse{GeoLocationDetailsList: []GeoLocationDetails{}, MaxItems: size.text, IsTruncated: new(false)}
	for _, g := range locations() {
		switch {
		case geoKey(&g) < start:
		case len(out.GeoLocationDetailsList) == size.n:
			out.IsTruncated = new(true)
			out.NextContinentCode, out.NextCountryCode, out.NextSubdivisionCode = g.ContinentCode, g.CountryCode, g.SubdivisionCode
			return out, nil
		default:
			out.GeoLocationDetailsList = append(out.GeoLocationDetailsList, g)
		}
	}
	return out, nil
}

// geoOf reads the location of a record set.
func geoOf(in *GeoLocation, change *Change) (*hostedzone.Geo, error) {
	if in == nil {
		return nil, nil
	}
	g := &hostedzone.Geo{Continent: service.Value(in.ContinentCode), Country: service.Value(in.CountryCode), Subdivision: service.Value(in.SubdivisionCode)}
	want := GeoLocationDetails{ContinentCode: g.Continent, CountryCode: g.Country, SubdivisionCode: g.Subdivision}
	exists := slices.ContainsFunc(locations(), func(l GeoLocationDetails) bool { return geoKey(&l) == geoKey(&want) })
	if g.Continent != "" && g.Country != "" || g.Subdivision != "" && g.Country == "" || !exists {
		return nil, invalidInput(fmt.Sprintf("GeoLocation [ContinentCode=%s, CountryCode=%s, SubdivisionCode=%s] is not a location: see ListGeoLocations. It was found in %s",
			g.Continent, g.Country, g.Subdivision, describe(change)))
	}
	return g, nil
}

func geoShape(g *hostedzone.Geo) *GeoLocation {
	if g == nil {
		return nil
	}
	return &GeoLocation{ContinentCode: filled(g.Continent), CountryCode: filled(g.Country), SubdivisionCode: filled(g.Subdivision)}
}
