package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "q\"b\\", "\x00\x1f\n\t\r", "héé\u2028", "bad \xff\xc3 utf8", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); len(got) < len(want) || strings.ToValidUTF8(got, "") != got {
			t.Errorf("%q came back as %q", s, got)
		}
		if valid := strings.ToValidUTF8(s, ""); valid == s && got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}
