// Package awsjson is the codec of the AWS JSON 1.1 protocol: a pull decoder for
// request bodies, append-style encoding for answers, and the error envelope. It
// knows JSON and AWS's way with it, and no operation of any API; the shapes of
// an API are generated code that drives it:
//
//	r := awsjson.NewReader(body)
//	for r.BeginObject(); r.NextMember(); {
//		switch string(r.Name()) {
//		case "Id":
//			in.Id = awsjson.OptionalText[string](r)
//		default:
//			r.Skip()
//		}
//	}
//	if err := r.End(); err != nil { … }
//
// It is used instead of encoding/json because that folds the case of member names,
// replaces invalid UTF-8 silently and decodes by reflection.
package awsjson
