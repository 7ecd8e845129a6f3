package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// manDate is the date of the manual page: a constant, so that the page is the
// same whoever makes it.
var manDate = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// writeMan writes one page for all verbs. Package doc makes a page of a command,
// whose Long is markdown: so the page is a command that nobody runs, and whose
// Long has every verb in it.
func writeMan(root *cobra.Command, to io.Writer) error {
	page := &cobra.Command{
		Use:                   "parley COMMAND [ARGUMENT ...]",
		Short:                 root.Short,
		Long:                  manBody(root),
		DisableAutoGenTag:     true,
		DisableFlagsInUseLine: true,
	}
	page.Flags().BoolP("help", "h", false, "")
	page.Flags().Lookup("help").Hidden = true // it stands with the verbs
	header := &doc.GenManHeader{Title: "PARLEY", Section: "1", Date: &manDate, Source: "parley", Manual: "User Commands"}
	var b bytes.Buffer
	if err := doc.GenMan(page, header, &b); err != nil {
		return err
	}
	// An empty line before these would be a second one on the page.
	squeeze := strings.NewReplacer("\n\n.PP", "\n.PP", "\n\n.TP", "\n.TP", "\n\n.SH", "\n.SH", "\n\n.SS", "\n.SS")
	_, err := squeeze.WriteString(to, b.String())
	return err
}

// manBody is what follows the heading DESCRIPTION, in markdown.
func manBody(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(manText(root.Long))
	b.WriteString("\n# COMMANDS\n")
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" && c.Name() != "completion" {
			manVerb(&b, c)
			for _, part := range c.Commands() {
				manVerb(&b, part)
			}
		}
	}
	fmt.Fprintf(&b, "### parley completion SHELL\n\nPrints what makes SHELL (bash, fish, powershell or zsh) complete commands of parley.\n\n")
	fmt.Fprintf(&b, "### parley --version\n\nPrints the version, and the Go release it was built with.\n")
	b.WriteString(manSections)
	return b.String()
}

func manVerb(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "### %s\n\n", manEscape(c.UseLine()))
	b.WriteString(manText(c.Long))
	c.InitDefaultHelpFlag()
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Deprecated == "" {
			manFlag(b, f)
		}
	})
	if c.Example != "" {
		fmt.Fprintf(b, "Examples:\n\n```\n%s\n```\n\n", strings.TrimRight(c.Example, "\n"))
	}
}

// manFlag writes a flag and what it means.
func manFlag(b *strings.Builder, f *pflag.Flag) {
	if f.Shorthand != "" {
		fmt.Fprintf(b, "**-%s**, ", f.Shorthand)
	}
	fmt.Fprintf(b, "**--%s**", f.Name)
	value, usage := pflag.UnquoteUsage(f)
	if value != "" && f.NoOptDefVal == "" {
		fmt.Fprintf(b, " %s", manEscape(value))
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
		usage += " (default " + f.DefValue + ")"
	}
	fmt.Fprintf(b, "\n: %s\n\n", manEscape(usage))
}

// manText makes markdown of a help text: indented lines stay as they are, the
// others are paragraphs.
func manText(text string) string {
	var b strings.Builder
	literal := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if indented := strings.HasPrefix(line, "  "); indented != literal && line != "" {
			b.WriteString("\n```\n"[map[bool]int{true: 0, false: 1}[indented]:])
			if !indented {
				b.WriteString("\n")
			}
			literal = indented
		}
		if !literal {
			line = manEscape(line)
		}
		b.WriteString(line + "\n")
	}
	if literal {
		b.WriteString("```\n")
	}
	return b.String() + "\n"
}

// manEscape takes from s what markdown would take for its own.
func manEscape(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`, "|", `\|`,
	).Replace(s)
}

// manSections are the sections that no verb has of its own.
const manSections = `
# EXIT STATUS

**0**
: Done in order: both directions ended, the server drained, the answer is yes.

**1**
: Network failure (refused, reset, unreachable, out of time, a TLS alert), or a negative answer, or data that is known to be lost.

**2**
: Usage: a flag, an endpoint, a service or a file that cannot be read. Nothing was opened.

**128+n**
: Ended by signal n, one of those below: **dial**, **listen**, **bench** and **probe** by the first, **serve** by the second. The first drains **serve**, and that is 0 when all sessions ended.

**141**
: Standard output was closed.

# SIGNALS

**SIGINT**, **SIGTERM**, **SIGHUP**
: End in order: a server drains, for as long as **--drain** allows; a conversation ends both directions; **bench** and **probe** print what was measured and found until then. A second signal ends at once. There is nothing to reload. A SIGHUP that nohup(1) has switched off stays off.

**SIGPIPE**
: Ignored: a closed standard output is found by writing to it.

# ENVIRONMENT

**LISTEN_PID**, **LISTEN_FDS**, **LISTEN_FDNAMES**
: Sockets that systemd.socket(5) passes, as in sd_listen_fds(3). **fd:NAME** is the one with that FileDescriptorName, **fd:3** the first. They are not passed on.

**XDG_STATE_HOME**
: Where the history of a chat is kept, in parley/chat below it; else in ~/.local/state.

**PARLEY_PLAIN**, **TERM**, **NO_COLOR**
: With PARLEY_PLAIN=1 or TERM=dumb chat has no screen but lines. With NO_COLOR the screen has no colours. On TERM=dumb **bench** and **probe** show no line that is written anew.

**XDG_RUNTIME_DIR**
: Named in a hint, as a place for sockets.

**TZ**
: The time zone of the services that tell local time.

# EXAMPLES

Every service on loopback, and a conversation with one of them:

` + "```" + `
$ parley serve &
$ printf hihi | parley dial :31500
byebye
` + "```" + `

A server for the network, with limits, and metrics for this machine only:

` + "```" + `
$ parley serve --maxsessions 500 --idle 1m --metrics :9100 echo@tcp://:7007 echo@udp://:7007
` + "```" + `

A file of services:

` + "```" + `
# services.conf
echo@tcp://127.0.0.1:7007
gate?secret=open%20sesame@unix:/run/gate.sock?mode=0660   # for the group
` + "```" + `

What a server can do, and what its users would see:

` + "```" + `
$ parley bench echo@tcp://127.0.0.1:7007 -c 64 --depth 4
$ parley bench echo@tcp://127.0.0.1:7007 -c 64 --rate 50k --poisson --plot echo.svg
` + "```" + `

Is everything up? Print what is not:

` + "```" + `
$ parley probe --json tcp://host:22,80,443 udp://host:123 | jq 'select(.up | not)'
` + "```" + `

A service that systemd starts when somebody calls:

` + "```" + `
# echo.socket             # echo.service
[Socket]                  [Service]
ListenStream=7007         ExecStart=/usr/bin/parley serve echo@fd:echo
FileDescriptorName=echo
` + "```" + `

# CAVEATS

An endpoint without a host, as in **:7007**, listens on every interface of the machine; the default endpoints, and **--metrics** without a host, are loopback only.

A shell takes **?**, **&** and **\*** for its own: put endpoints that have options in quotes.

Secrets in a command line, such as the parameter of gate, are seen by every user of the machine in the list of processes: put them in a file for **-f**.

Datagrams have no end: that a UDP peer has gone, or that a port is open, cannot be known, and what is lost is not sent again.

What **bench** measures is the endpoint, the way to it, and the generator together. A generator on the endpoint's machine takes processor time from it; the report says how busy it was, and when it was the limit. Latency in a closed loop says nothing of users who do not wait for each other: give a **--rate**.

A TLS listener without **cert=** makes a key for one run; its pin is another after each start.
`
