package answer

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// A Request is used for one message after the other. What a message with an OPT record has
// must not be left in the next one without: a Clone would point outside its own copy.
func TestRequestOfLaterMessage(t *testing.T) {
	header := func(flags, additional string) string { return "0001" + flags + "000100000000" + additional }
	const question = "0161076578616d706c65000001" + "0001"
	// A cookie (RFC 7873) and a client subnet (RFC 7871), of 10.1.0.0/16.
	const opt = "00" + "0029" + "04d0" + "00008000" + "0016" + "000a0008" + "0102030405060708" + "00080006" + "000110000a01"
	decode := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	buffer := make([]byte, 4096)
	var r Request
	parse := func(text string) *Request {
		r.Parse(buffer[:copy(buffer, decode(text))])
		return r.Clone()
	}
	with := parse(header("0000", "0001") + question + opt)
	if with.kind != query || !with.edns.do || !bytes.Equal(with.edns.cookie, decode("0102030405060708")) || with.edns.subnet.prefix.String() != "10.1.0.0/16" {
		t.Fatalf("got %+v", with)
	}
	for _, text := range []string{
		header("0000", "0000") + question,        // a query
		header("2800", "0000") + question,        // a dynamic update
		header("0000", "0001") + question + "ff", // malformed
		"000180000000000000000000",               // a response
		"0001",                                   // not a message
	} {
		r.Parse(buffer[:copy(buffer, decode(header("0000", "0001")+question+opt))])
		got := parse(text)
		if e := got.edns; e.present || e.cookie != nil || e.subnet.raw != nil || e.do || e.size != 0 {
			t.Errorf("%s: it has the EDNS of an earlier message: %+v", text, e)
		}
	}
}
