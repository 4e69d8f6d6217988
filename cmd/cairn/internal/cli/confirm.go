package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
)

// Confirm asks whether to make the changes of a plan, unless yes is true.
func (s *Session) Confirm(yes bool) error {
	if yes {
		return nil
	}
	fmt.Fprint(s.Stderr, "Make these changes? [y/N] ")
	line, _ := bufio.NewReader(s.Stdin).ReadString('\n') // without an answer it is no
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed: answer y, or use --yes")
	}
	return nil
}
