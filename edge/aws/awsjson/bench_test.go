package awsjson

import "testing"

const sample = `{"NamespaceName":"internal.example.com","ServiceName":"billing","QueryParameters":{"stage":"blue","version":"7"},"MaxResults":100,"Unknown":[1,2,{"a":"b\n"}]}`

func BenchmarkReader(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader([]byte(sample))
		for r.BeginObject(); r.NextMember(); {
			switch string(r.Name()) {
			case "NamespaceName", "ServiceName":
				r.Text()
			case "QueryParameters":
				Map[string](r, Element[string])
			case "MaxResults":
				r.Int64()
			default:
				r.Skip()
			}
		}
		if err := r.End(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendMap(b *testing.B) {
	attributes := map[string]string{"AWS_INSTANCE_IPV4": "192.0.2.44", "AWS_INSTANCE_PORT": "8080", "stage": "blue", "note": "a\tb"}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendMap(buf[:0], attributes)
	}
}
