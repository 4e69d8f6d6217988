package awsxml

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/internal/floattext"
)

// Header is the declaration before a document.
const Header = `<?xml version="1.0"?>` + "\n"

// Open appends the start of an element. Names of elements need no escapes.
func Open(b []byte, name string) []byte {
	b = append(b, '<')
	b = append(b, name...)
	return append(b, '>')
}

// OpenRoot appends the start of an element in a namespace, which is left out if
// it is empty.
func OpenRoot(b []byte, name, namespace string) []byte {
	b = append(b, '<')
	b = append(b, name...)
	if namespace != "" {
		b = AppendAttribute(b, "xmlns", namespace)
	}
	return append(b, '>')
}

// Close appends the end of an element.
func Close(b []byte, name string) []byte {
	b = append(b, '<', '/')
	b = append(b, name...)
	return append(b, '>')
}

// AppendAttribute appends an attribute of an element that is being opened.
func AppendAttribute[T ~string](b []byte, name string, value T) []byte {
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, '=', '"')
	b = appendEscaped(b, string(value))
	return append(b, '"')
}

// appendEscaped appends text. What XML cannot hold becomes U+FFFD.
func appendEscaped(b []byte, text string) []byte {
	for _, c := range text {
		switch {
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '"':
			b = append(b, "&quot;"...)
		case c == '\t' || c == '\n' || c == '\r': // a reader changes some of them if they are plain
			b = append(b, "&#"...)
			b = strconv.AppendInt(b, int64(c), 10)
			b = append(b, ';')
		case c < ' ' || c == 0xFFFE || c == 0xFFFF:
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return b
}

// AppendText appends an element that is a string or an enum.
func AppendText[T ~string](b []byte, name string, text T) []byte {
	return Close(appendEscaped(Open(b, name), string(text)), name)
}

// AppendInt appends an element that is a whole number.
func AppendInt(b []byte, name string, n int64) []byte {
	return Close(strconv.AppendInt(Open(b, name), n, 10), name)
}

// AppendFloat appends an element that is a number.
func AppendFloat(b []byte, name string, n float64) []byte {
	return Close(floattext.Append(Open(b, name), n), name)
}

// AppendBool appends an element that is a boolean.
func AppendBool(b []byte, name string, v bool) []byte {
	return Close(strconv.AppendBool(Open(b, name), v), name)
}

// AppendTime appends an element that is a time.
func AppendTime(b []byte, name string, t timestamp.Milliseconds, f timestamp.Format) []byte {
	return Close(timestamp.Append(Open(b, name), t, f), name)
}

// AppendBlob appends an element that holds bytes, in base64.
func AppendBlob(b []byte, name string, value []byte) []byte {
	return Close(base64.StdEncoding.AppendEncode(Open(b, name), value), name)
}
