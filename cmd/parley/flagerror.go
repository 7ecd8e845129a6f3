package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"parley/endpoint"
)

// badFlag makes a usage error of what the flag parser says: a wrong value is
// quoted once, and an unknown flag is answered with the nearest.
func badFlag(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &invalid):
		err = badValue(invalid)
	case errors.As(err, &unknown):
		err = unknownFlag(cmd, unknown)
	}
	return usageError{err: err, usage: cmd.UseLine()}
}

func badValue(e *pflag.InvalidValueError) error {
	reason := e.Unwrap().Error()
	var number *strconv.NumError
	var unread *endpoint.ParseError
	switch {
	case errors.As(e, &number):
		reason = number.Err.Error()
	case errors.As(e, &unread):
		reason = unread.Reason
	}
	name, quote := "--"+e.GetFlag().Name, strconv.Quote(e.GetValue())
	if strings.Contains(reason, quote) {
		return fmt.Errorf("%s: %s", name, reason)
	}
	return fmt.Errorf("%s %s: %s", name, quote, reason)
}

// unknownFlag names the flag whose name is nearest. A long name after a single -
// comes from other programs' habits.
func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	written, word := "--"+e.GetSpecifiedName(), e.GetSpecifiedName()
	if short := e.GetSpecifiedShortnames(); short != "" {
		word, _, _ = strings.Cut(short, "=")
		written = "-" + word
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := endpoint.Nearest(word, names); near != "" {
		return fmt.Errorf("unknown flag %s; nearest is --%s", written, near)
	}
	return fmt.Errorf("unknown flag %s", written)
}
