package aws_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/prometheus/client_golang/prometheus"

	lean "github.com/cairn-discovery/cairn/bench/server"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/internal/authlimit"
	"github.com/cairn-discovery/cairn/internal/loglines"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

// BenchmarkDiscover compares DiscoverInstances of eight instances over HTTP in
// open mode, signed, and signed with a policy that has conditions. The ratio of
// the first to the others is what signatures cost.
func BenchmarkDiscover(b *testing.B) {
	conditions := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"servicediscovery:Discover*","Resource":"arn:aws:servicediscovery:eu-west-1:111111111111:*",
		"Condition":{"StringEquals":{"servicediscovery:NamespaceName":"shop"},"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}]}`
	for _, c := range []struct{ name, policy string }{
		{"open", ""}, {"signed", everything}, {"conditions", conditions},
	} {
		b.Run(c.name, func(b *testing.B) {
			addr := benchServer(b, c.policy)
			request := benchRequest(b, addr, c.policy != "")
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) { exchangeAll(b, pb, addr, request, "InstancesRevision") })
		})
	}
	b.Run("bad-signature", func(b *testing.B) {
		addr := benchServer(b, everything)
		request := bytes.Replace(benchRequest(b, addr, true), []byte("HEALTHY"), []byte("HEALTHz"), 1)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) { exchangeAll(b, pb, addr, request, "InvalidSignature") })
	})
	b.Run("flood", func(b *testing.B) { // the same from an address that has used up its failures
		addr := benchServer(b, everything, func(c *aws.Config) { c.Failures = authlimit.New(authlimit.Config{PerSecond: 1e-9, Burst: 1}) })
		request := bytes.Replace(benchRequest(b, addr, true), []byte("HEALTHY"), []byte("HEALTHz"), 1)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) { exchangeAll(b, pb, addr, request, "") })
	})
	b.Run("rates", func(b *testing.B) { // signed, with a rate that is not reached
		rates := new(throttle.Rates)
		rates.Default[command.RateDiscover] = command.Rate{PerSecond: 1e9, Burst: 1e9}
		addr := benchServer(b, everything, func(c *aws.Config) { c.Rates = func() *throttle.Rates { return rates } })
		request := benchRequest(b, addr, true)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) { exchangeAll(b, pb, addr, request, "InstancesRevision") })
	})
}

// BenchmarkRegister registers instances from 64 connections, with a log and a replica as those
// of a node that shares its store.
func BenchmarkRegister(b *testing.B) {
	var service string
	addr := benchServer(b, "", func(c *aws.Config) {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		c.RequestLog = loglines.NewTextHandler(io.Discard, slog.LevelInfo)
		for id := range c.Replica.Current().Registry.Services(aws.DefaultAccount, "") {
			service = string(id)
		}
	})
	var clients atomic.Int64
	b.SetParallelism(64)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		client := clients.Add(1)
		var requests [][]byte
		for i := range 10 {
			body := fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%d-%d","Attributes":{"AWS_INSTANCE_IPV4":"10.0.0.%d","AWS_INSTANCE_PORT":"8080","stage":"prod","load":"%d"}}`,
				service, client, i%5, i, i)
			requests = append(requests, benchCall(b, addr, "RegisterInstance", body, false))
		}
		n := 0
		exchange(b, pb, addr, func() []byte { n++; return requests[n%len(requests)] }, "OperationId")
	})
}

func exchangeAll(b *testing.B, pb *testing.PB, addr string, request []byte, want string) {
	exchange(b, pb, addr, func() []byte { return request }, want)
}

// exchange sends requests and reads their answers.
func exchange(b *testing.B, pb *testing.PB, addr string, request func() []byte, want string) {
	client, err := lean.Dial(addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer client.Close()
	for pb.Next() {
		body, err := client.Call(request())
		if err != nil {
			body = []byte(err.Error()) // has that of a refusal
		}
		if !bytes.Contains(body, []byte(want)) {
			b.Errorf("%s", body)
			return
		}
	}
}

func benchServer(b *testing.B, policy string, change ...func(*aws.Config)) string {
	rules := &state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}}
	logger := slog.New(slog.DiscardHandler)
	r, err := replica.New(replica.Config{Store: memory.New(), Rules: func() *state.Rules { return rules }, Logger: logger,
		WriteTimeout: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- r.Run(ctx) }()
	<-r.Loaded()
	account := aws.DefaultAccount
	cfg := aws.Config{Replica: r, Rules: func() *state.Rules { return rules }, Logger: logger, Registerer: prometheus.NewRegistry()}
	if policy != "" {
		account = owner
		var directory atomic.Pointer[identity.Directory]
		source := people()
		source.Users[0].Inline[0].Text = policy
		d, _ := identity.Compile(testCatalog, nil, source)
		directory.Store(d)
		cfg.Auth = &aws.Auth{Directory: directory.Load}
	}
	fill(b, r, account)
	for _, c := range change {
		c(&cfg)
	}
	front, err := aws.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { done <- front.Serve(ctx, ln) }()
	b.Cleanup(func() { cancel(); <-done; <-done })
	return ln.Addr().String()
}

func fill(b *testing.B, r *replica.Replica, account command.AccountID) {
	do := func(c command.Command) command.Reply {
		reply, err := r.Propose(b.Context(), account, c)
		if err != nil {
			b.Fatal(err)
		}
		return reply
	}
	do(&registry.CreateNamespace{Name: "shop", Type: registry.HTTP})
	var ns string
	for id := range r.Current().Registry.Namespaces(account, "") {
		ns = string(id)
	}
	svc := do(&registry.CreateService{Name: "web", NamespaceRef: ns}).Value.(*registry.Service)
	for i := range 8 {
		do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: registry.InstanceID(fmt.Sprint("i-", i)), Attributes: map[string]string{
			"AWS_INSTANCE_IPV4": fmt.Sprint("10.0.0.", i), "AWS_INSTANCE_PORT": "8080", "stage": "prod"}})
	}
}

func benchRequest(b *testing.B, addr string, sign bool) []byte {
	return benchCall(b, addr, "DiscoverInstances", `{"NamespaceName":"shop","ServiceName":"web","HealthStatus":"HEALTHY"}`, sign)
}

func benchCall(b *testing.B, addr, operation, body string, sign bool) []byte {
	r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.7 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/servicediscovery#1.40.2")
	r.Header.Set("Amz-Sdk-Invocation-Id", "b5d9c1a0-5a9a-4e8a-9a2a-0f4b1a2c3d4e")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	creds := sdk.Credentials{AccessKeyID: "KEYadmin", SecretAccessKey: "admin-secret"}
	if sign {
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		if err := v4.NewSigner().SignHTTP(b.Context(), creds, r, sum, "servicediscovery", "eu-west-1", time.Now()); err != nil {
			b.Fatal(err)
		}
	} else { // as SDKs send it, with a signature that nobody looks at
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=KEYadmin/20260101/eu-west-1/servicediscovery/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="+strings.Repeat("0", 64))
	}
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}
