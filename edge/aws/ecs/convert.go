package ecs

import "encoding/json"

// convert returns the value of another type whose members have equal names, such as
// the type of core/task for a generated shape. It goes through JSON, in which letter
// case does not matter for names. A test holds that no member is lost.
func convert[T any](from any) T {
	var to T
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, &to)
	}
	if err != nil {
		panic("ecs: types of core/task and of the API do not agree: " + err.Error())
	}
	return to
}

// convertEach converts the elements of a list. A nil list stays nil.
func convertEach[T any, F any](from []F) []T {
	if from == nil {
		return nil
	}
	to := make([]T, len(from))
	for i := range from {
		to[i] = convert[T](from[i])
	}
	return to
}

// filled returns an empty list for nil, for members that are always in an answer.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
