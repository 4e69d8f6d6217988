package ecs

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// maxPage is the largest page of a list, and the one where maxResults is left out.
const maxPage = 100

// newPage begins a page. Filters are what must not change between two pages. The size
// is the page where maxResults is left out.
func newPage(c *service.Call, filters any, size int, maxResults *int64, token *string) (*service.Page, error) {
	if maxResults != nil {
		if *maxResults < 1 || *maxResults > maxPage {
			return nil, command.Invalid("maxResults is %d: it must be from 1 to %d", *maxResults, maxPage)
		}
		size = int(*maxResults)
	}
	return c.NewPage(filters, size, token)
}

// checkItems checks the number of items in a member that is a list.
func checkItems(member string, n, most int) error {
	if n > most {
		return command.Invalid("%s can have at most %d items.", member, most)
	}
	return nil
}
