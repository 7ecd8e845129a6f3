package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/endpoint"
)

// completeChoices makes shells complete the values of the flag called name.
func completeChoices(cmd *cobra.Command, name string, choices ...string) {
	err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // there is no such flag
	}
}

// durationFlag is the value of a flag that takes a duration: with a unit, or a
// bare number of seconds.
type durationFlag time.Duration

func (d *durationFlag) Set(s string) error {
	v, err := endpoint.ParseDuration(s)
	if err == nil {
		*d = durationFlag(v)
	}
	return err
}

func (d *durationFlag) String() string {
	if *d == 0 {
		return "" // so that the help shows no default
	}
	return time.Duration(*d).String()
}

func (d *durationFlag) Type() string { return "duration" }

// choiceFlag is the value of a flag that takes one of a few words.
type choiceFlag struct {
	value   string
	choices []string
}

func (c *choiceFlag) Set(s string) error {
	for _, choice := range c.choices {
		if s == choice {
			c.value = s
			return nil
		}
	}
	return fmt.Errorf("want %s", strings.Join(c.choices, ", "))
}

func (c *choiceFlag) String() string { return c.value }
func (c *choiceFlag) Type() string   { return strings.Join(c.choices, "|") }
