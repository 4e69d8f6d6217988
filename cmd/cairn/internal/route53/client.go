// Package route53 has the commands about hosted zones: zone import and zone export.
// They call the Amazon Route 53 API of a node.
package route53

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	zone := &cobra.Command{
		Use:   "zone",
		Short: "Import and export hosted zones as zone files",
		Example: `  cairn zone export example.com >example.com.zone
  cairn zone import example.com.zone --zone example.com`,
		Long: `Hosted zones are those of the Amazon Route 53 API of the node. Zone files are in the
master file format of RFC 1035 section 5.`,
	}
	zone.AddCommand(newImport(p), newExport(p))
	return cli.Group{Title: "Hosted zones:", Commands: []*cobra.Command{zone}}
}

// client calls the Route 53 API for one command. It needs six operations, so it writes
// requests itself.
type client struct{ *cli.Session }

// command gives cmd the flags and the body of a client command.
func command(p *cli.Program, cmd *cobra.Command, run func(context.Context, *client) error, args ...cli.Arg) {
	cli.ClientCommand(p, cmd, args, func(ctx context.Context, s *cli.Session) error { return run(ctx, &client{s}) })
	cli.DefaultTimeout(cmd, 10*time.Minute)
}

const (
	version   = "/2013-04-01"
	namespace = "https://route53.amazonaws.com/doc/2013-04-01/"
)

// call sends a request and decodes the answer into out. In is the body, or nil.
func (c *client) call(ctx context.Context, operation, method, path string, query url.Values, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = xml.Marshal(in); err != nil {
			return err
		}
	}
	answer, err := c.send(ctx, method, path, query, body)
	if err != nil {
		return &smithy.OperationError{ServiceID: "Route 53", OperationName: operation, Err: err}
	}
	if err := xml.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: answer: %w", operation, err)
	}
	return nil
}

func (c *client) send(ctx context.Context, method, path string, query url.Values, body []byte) ([]byte, error) {
	address := strings.TrimSuffix(c.Endpoint, "/") + version + path
	if len(query) > 0 {
		address += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/xml")
	}
	response, answer, err := c.Send(ctx, "route53", request, body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, apiError(answer)
	}
	return answer, nil
}

// apiError returns the error in an answer.
func apiError(answer []byte) error {
	var e struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(answer, &e) != nil || e.Code == "" {
		return &smithy.GenericAPIError{Code: "UnknownError"}
	}
	return &smithy.GenericAPIError{Code: e.Code, Message: e.Message}
}

// hostedZone is a zone in answers.
type hostedZone struct {
	ID      string `xml:"Id"`
	Name    string
	Private bool `xml:"Config>PrivateZone"`
}

// recordSet is a record set in requests and answers.
type recordSet struct {
	Name          string
	Type          string
	SetIdentifier string   `xml:",omitempty"`
	TTL           *int64   `xml:",omitempty"`
	Values        []string `xml:"-"`
	// Records are Values as they are sent and received.
	Records []record `xml:"ResourceRecords>ResourceRecord,omitempty"`
	Alias   *struct {
		DNSName string
	} `xml:"AliasTarget"`
}

// record is a value of a record set.
type record struct{ Value string }

// find returns the only zone with a name, or with an id.
func (c *client) find(ctx context.Context, name string) (*hostedZone, error) {
	var out struct {
		Zones []hostedZone `xml:"HostedZones>HostedZone"`
	}
	query := url.Values{"dnsname": {name}, "maxitems": {"100"}}
	if err := c.call(ctx, "ListHostedZonesByName", http.MethodGet, "/hostedzonesbyname", query, nil, &out); err != nil {
		return nil, err
	}
	var found []hostedZone
	for _, z := range out.Zones {
		if strings.EqualFold(strings.TrimSuffix(z.Name, "."), strings.TrimSuffix(name, ".")) {
			found = append(found, z)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return &found[0], nil
	}
	var ids []string
	for _, z := range found {
		ids = append(ids, z.ID)
	}
	return nil, fmt.Errorf("there are several hosted zones %s: name one by its id with --zone-id: %s", name, strings.Join(ids, ", "))
}

// zone returns the zone of a command. Nil: there is none of the name.
func (c *client) zone(ctx context.Context, name, id string) (*hostedZone, error) {
	if id == "" {
		return c.find(ctx, name)
	}
	var out struct{ HostedZone hostedZone }
	err := c.call(ctx, "GetHostedZone", http.MethodGet, "/hostedzone/"+url.PathEscape(bareID(id)), nil, nil, &out)
	return &out.HostedZone, err
}

func bareID(id string) string { return strings.TrimPrefix(id, "/hostedzone/") }

// sets returns all record sets of a zone.
func (c *client) sets(ctx context.Context, z *hostedZone) ([]recordSet, error) {
	var all []recordSet
	query := url.Values{"maxitems": {"300"}}
	for {
		var out struct {
			Sets        []recordSet `xml:"ResourceRecordSets>ResourceRecordSet"`
			IsTruncated bool
			NextName    string `xml:"NextRecordName"`
			NextType    string `xml:"NextRecordType"`
			NextID      string `xml:"NextRecordIdentifier"`
		}
		if err := c.call(ctx, "ListResourceRecordSets", http.MethodGet, "/hostedzone/"+bareID(z.ID)+"/rrset", query, nil, &out); err != nil {
			return nil, err
		}
		for i := range out.Sets {
			for _, r := range out.Sets[i].Records {
				out.Sets[i].Values = append(out.Sets[i].Values, r.Value)
			}
		}
		all = append(all, out.Sets...)
		if !out.IsTruncated {
			return all, nil
		}
		query.Set("name", out.NextName)
		query.Set("type", out.NextType)
		if query.Del("identifier"); out.NextID != "" {
			query.Set("identifier", out.NextID)
		}
	}
}

// answer asks the DNS server of the node.
func (c *client) answer(ctx context.Context, z *hostedZone, name, rtype string) ([]string, error) {
	var out struct {
		Data []string `xml:"RecordData>RecordDataEntry"`
	}
	query := url.Values{"hostedzoneid": {bareID(z.ID)}, "recordname": {name}, "recordtype": {rtype}}
	err := c.call(ctx, "TestDNSAnswer", http.MethodGet, "/testdnsanswer", query, nil, &out)
	return out.Data, err
}

// change is one change of a batch.
type change struct {
	Action string
	Set    recordSet `xml:"ResourceRecordSet"`
}

// batchInput is the body of ChangeResourceRecordSets.
type batchInput struct {
	XMLName xml.Name `xml:"ChangeResourceRecordSetsRequest"`
	Space   string   `xml:"xmlns,attr"`
	Comment string   `xml:"ChangeBatch>Comment"`
	Changes []change `xml:"ChangeBatch>Changes>Change"`
}

func batchRequest(comment string, changes []change) *batchInput {
	in := &batchInput{Space: namespace, Comment: comment, Changes: changes}
	for i := range in.Changes {
		set := &in.Changes[i].Set
		set.Records = make([]record, len(set.Values))
		for j, v := range set.Values {
			set.Records[j].Value = v
		}
	}
	return in
}

// apply makes the changes of a batch.
func (c *client) apply(ctx context.Context, z *hostedZone, comment string, changes []change) error {
	in := batchRequest(comment, changes)
	var out struct {
		ChangeInfo struct {
			ID string `xml:"Id"`
		}
	}
	return c.call(ctx, "ChangeResourceRecordSets", http.MethodPost, "/hostedzone/"+bareID(z.ID)+"/rrset/", nil, in, &out)
}

// create makes a public zone.
func (c *client) create(ctx context.Context, name string) (*hostedZone, error) {
	in := struct {
		XMLName   xml.Name `xml:"CreateHostedZoneRequest"`
		Space     string   `xml:"xmlns,attr"`
		Name      string
		Reference string `xml:"CallerReference"`
	}{Space: namespace, Name: name, Reference: fmt.Sprintf("cairn zone import %s %d", name, time.Now().UnixNano())}
	var out struct{ HostedZone hostedZone }
	err := c.call(ctx, "CreateHostedZone", http.MethodPost, "/hostedzone", nil, in, &out)
	return &out.HostedZone, err
}
