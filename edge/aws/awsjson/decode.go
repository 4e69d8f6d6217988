package awsjson

// NullElement is what Element returns for null. No JSON text spells it, since it
// is not UTF-8. So a list or map keeps its nulls, without a pointer for each
// element, up to the validation that refuses them.
const NullElement = "\xff"

// OptionalText reads a string, or nil for null.
func OptionalText[T ~string](r *Reader) *T {
	if r.Null() {
		return nil
	}
	return new(T(r.Text()))
}

// OptionalInt64 reads a whole number, or nil for null.
func OptionalInt64(r *Reader) *int64 {
	if r.Null() {
		return nil
	}
	return new(r.Int64())
}

// Element reads a string, or NullElement for null.
func Element(r *Reader) string {
	if r.Null() {
		return NullElement
	}
	return r.Text()
}

// List reads an array, or nil for null. An empty array is not nil.
func List[T any](r *Reader, element func(*Reader) T) []T {
	if r.Null() {
		return nil
	}
	list := []T{}
	for r.BeginArray(); r.NextElement(); {
		list = append(list, element(r))
	}
	return list
}

// Map reads an object as a map, or nil for null. An empty object is not nil.
func Map[T any](r *Reader, value func(*Reader) T) map[string]T {
	if r.Null() {
		return nil
	}
	m := map[string]T{}
	for r.BeginObject(); r.NextMember(); {
		key := string(r.Name())
		m[key] = value(r)
	}
	return m
}
