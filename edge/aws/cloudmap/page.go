package cloudmap

import "github.com/cairn-discovery/cairn/edge/aws/service"

// defaultPageSize is the page of a list where MaxResults is left out.
const defaultPageSize = 100

// newPage begins a page. Filters are what must not change between two pages.
func newPage(c *service.Call, filters any, maxResults *int64, token *string) (*service.Page, error) {
	size := defaultPageSize
	if maxResults != nil {
		size = int(*maxResults)
	}
	return c.NewPage(filters, size, token)
}
