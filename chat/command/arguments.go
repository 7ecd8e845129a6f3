package command

import (
	"fmt"
	"strconv"
	"strings"

	"parley/endpoint"
)

// parseHistory reads what follows /history: nothing, a number, or a duration
// with its unit.
func (c Info) parseHistory(rest string) (Command, error) {
	cmd := Command{Name: c.Name, Count: HistoryCount}
	if err := c.allowOne(rest); err != nil || rest == "" {
		return cmd, err
	}
	if isDigits(rest) {
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > HistoryMost {
			return Command{}, fmt.Errorf("/history %s: from 1 to %d messages", quoted(rest), HistoryMost)
		}
		cmd.Count = n
		return cmd, nil
	}
	since, err := endpoint.ParseDuration(rest)
	if err != nil || since <= 0 || isDigits(rest[len(rest)-1:]) { // 1.5 is neither
		return Command{}, fmt.Errorf("/history %s: expected a number of messages, or a time back such as 30m, 2h or 1d", quoted(rest))
	}
	cmd.Count, cmd.Since = HistoryMost, since
	return cmd, nil
}

// need returns an error if nothing follows the command, or not all it needs.
func (c Info) need(rest string) error {
	if rest == "" {
		return fmt.Errorf("/%s needs more: %s", c.Name, c.Usage)
	}
	return nil
}

// allowOne returns an error if more than one word follows the command.
func (c Info) allowOne(rest string) error {
	if strings.ContainsAny(rest, " \t") {
		return fmt.Errorf("/%s takes one word, without spaces: %s", c.Name, c.Usage)
	}
	return nil
}

func (c Info) needOne(rest string) error {
	if err := c.need(rest); err != nil {
		return err
	}
	return c.allowOne(rest)
}

func (c Info) needNone(rest string) error {
	if rest != "" {
		return fmt.Errorf("/%s takes nothing after it; // at the start says a line that begins with /", c.Name)
	}
	return nil
}

// cutWord cuts s after its first word. rest has no spaces around it.
func cutWord(s string) (word, rest string) {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.Trim(s[i:], " \t")
	}
	return s, ""
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
