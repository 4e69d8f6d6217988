package task

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/core/command"
)

// maxTags is the largest number of tags of a resource.
const maxTags = 50

var tagPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTags checks the tags that a client gives to a resource; see "Tagging your
// resources" in the developer guide.
func checkTags(tags []Tag) error {
	if len(tags) > maxTags {
		return command.Invalid("tags can have at most %d items.", maxTags)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch n := utf8.RuneCountInString(t.Key); {
		case n < 1 || n > 128:
			return command.Invalid("The tag key %s has %d characters: it must have from 1 to 128", quote(t.Key), n)
		case utf8.RuneCountInString(t.Value) > 256:
			return command.Invalid("The value of the tag %s has %d characters: it can have at most 256", quote(t.Key), utf8.RuneCountInString(t.Value))
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return command.Invalid("The tag key %s is not allowed: the prefix aws: is reserved", quote(t.Key))
		case !tagPattern.MatchString(t.Key) || !tagPattern.MatchString(t.Value):
			return command.Invalid("The tag %s has the value %s: both must match %s", quote(t.Key), quote(t.Value), tagPattern)
		case seen[t.Key]:
			return command.Invalid("The tag key %s is there twice", quote(t.Key))
		}
		if t.Key == drainLabel {
			if err := checkDrain("The tag "+drainLabel, t.Value); err != nil {
				return err
			}
		}
		seen[t.Key] = true
	}
	return nil
}

// mergeTags returns tags with others added; those with the same key are replaced.
func mergeTags(tags, others []Tag) []Tag {
	merged := slices.Clone(tags)
	for _, t := range others {
		if i := slices.IndexFunc(merged, func(o Tag) bool { return o.Key == t.Key }); i >= 0 {
			merged[i] = t
		} else {
			merged = append(merged, t)
		}
	}
	return merged
}

// removeTags returns the tags without those that have one of the keys.
func removeTags(tags []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}
