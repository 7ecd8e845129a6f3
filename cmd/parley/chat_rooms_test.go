package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// chatServer starts parley serve with a chat in memory at each of the places, and
// returns it and its endpoints.
func chatServer(t *testing.T, places ...string) (*process, []string) {
	t.Helper()
	if len(places) == 0 {
		places = []string{"tcp://127.0.0.1:0"}
	}
	args := []string{"serve", "-q"}
	for _, place := range places {
		args = append(args, "chat?store=none&flood=0@"+place)
	}
	p := startParley(t, nil, nil, args...)
	pattern := strings.Repeat(`listening \S+@(\S+)\n`, len(places))
	p.stdout.await(t, pattern)
	var at []string
	for line := range strings.Lines(p.stdout.String()) {
		_, place, _ := strings.Cut(strings.TrimSpace(line), "@")
		at = append(at, place)
	}
	return p, at
}

// chatter starts parley chat --plain as a person would, and waits until it is in
// its room.
func chatter(t *testing.T, at, name string, args ...string) *process {
	t.Helper()
	p := startParley(t, nil, nil, append([]string{"chat", "--plain", "--name", name, at}, args...)...)
	p.stdout.await(t, `(?m)^\* in \S+ now; \d+ here$`)
	return p
}

// awaitAfter waits until pattern is in what comes after the first seen bytes.
func (r *record) awaitAfter(t *testing.T, seen int, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(testPatience)
	for {
		r.mu.Lock()
		found, changed := re.Match(r.buf.Bytes()[seen:]), r.changed
		r.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%q has not come; there is %q", pattern, r.String()[seen:])
		}
	}
}

func (p *process) types(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, text+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// The same room over every transport, with lines of people; q and the end of input
// leave with 0.
func TestChatLines(t *testing.T) {
	dir := t.TempDir()
	_, at := chatServer(t, "tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix:"+dir+"/s", "ws://127.0.0.1:0/chat", "tls://127.0.0.1:0")
	at[4] += "?insecure=1"
	ada := chatter(t, at[0], "ada")
	for i, place := range at {
		name := fmt.Sprintf("bob%d", i)
		bob := chatter(t, place, name)
		ada.stdout.await(t, `(?m)^\* `+name+` has come$`)
		bob.types("hello from " + name)
		ada.stdout.await(t, `(?m)^\d\d:\d\d `+name+`: hello from `+name+`$`)
		bob.stdout.await(t, `(?m)^\d\d:\d\d `+name+`: hello from `+name+`$`) // there is no terminal that shows it
		ada.types("and to you, " + name)
		bob.stdout.await(t, `(?m)^\d\d:\d\d ada: and to you, `+name+`$`)
		if i%2 == 0 {
			bob.types("q")
		} else {
			bob.stdin.Close()
		}
		bob.expect(0)
		ada.stdout.await(t, `(?m)^\* `+name+` has gone \(left\)$`)
		if got := strings.Count(bob.stdout.String(), "hello from"); got != i+1 { // history has those before
			t.Errorf("%s was shown %d greetings, want %d:\n%s", name, got, i+1, bob.stdout.String())
		}
	}
	ada.types("/quit")
	ada.expect(0)
}

// What can be typed.
func TestChatCommands(t *testing.T) {
	_, at := chatServer(t)
	ada, bob := chatter(t, at[0], "ada"), chatter(t, at[0], "bob")
	ada.stdout.await(t, `\* bob has come\n`)
	for _, step := range []struct {
		who    *process
		types  string
		ada, b string // patterns
	}{
		{ada, "/me waves", `\d\d:\d\d \* ada waves\n`, `\d\d:\d\d \* ada waves\n`},
		{ada, "/who", `\* 2 here: ada, bob\n`, ``},
		{ada, "/msg bob psst", `\* bob was told\n`, `\d\d:\d\d ada to you: psst\n`},
		{ada, "/msg nobody psst", `\* not posted: .*: "psst"\n`, ``},
		{ada, "//slash", `: /slash\n`, `: /slash\n`},
		{ada, "/nick eve", `\* you are eve\n`, `\* ada is eve now\n`},
		{ada, "/nick bob", `\* .*(taken|bob).*\n`, ``},
		{ada, "/join #Ops", `\* in ops now; 1 here\n`, ``},
		{ada, "/rooms", `\* lobby: 2 here, you among them\n\* ops: 1 here, you among them\n`, ``},
		{bob, "to the lobby", `\[lobby\] \d\d:\d\d bob: to the lobby\n`, `bob: to the lobby\n`},
		{ada, "quietly", `\d\d:\d\d eve: quietly\n`, ``},
		{ada, "/history 1", `quietly\n\* end of the history\n`, ``},
		{ada, "/join lobby", `\* in lobby now\n`, ``},
		{ada, "/history 2h", `\* ada waves\n(.*\n)*\d\d:\d\d ada: /slash\n\d\d:\d\d bob: to the lobby\n\* end of the history\n`, ``},
		{ada, "/part ops", `\* left ops\n`, ``},
		{ada, "/hlep", `\* .*/help.*\n`, ``},
		{ada, "/help", `\* /msg NAME TEXT `, ``},
		{ada, "/part", `\* left lobby; in no room now`, `\* eve has gone`},
		{ada, "lost", `\* not posted: `, ``},
	} {
		seenByAda, seenByBob := len(ada.stdout.String()), len(bob.stdout.String())
		step.who.types(step.types)
		ada.stdout.awaitAfter(t, seenByAda, step.ada)
		bob.stdout.awaitAfter(t, seenByBob, step.b)
	}
	if got := bob.stdout.String(); strings.Contains(got, "quietly") {
		t.Errorf("bob was shown what was said in ops:\n%s", got)
	}
	bob.types("Q")
	bob.expect(0)
}

// A bare peer and parley's client are in one room; nothing that is typed harms.
func TestChatBarePeer(t *testing.T) {
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada")
	c := dialTCP(t, at[0])
	fmt.Fprintf(c, "hi \x1b[31mred\xc3(\n")
	ada.stdout.await(t, `(?m)^\d\d:\d\d guest-\d+: hi ␛\[31mred\x{FFFD}\($`)
	ada.types("hello guest")
	for lines := bufio.NewReader(c); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "ada: hello guest\n" || line == "ada: hello guest\r\n" {
			break
		}
	}
}

// --pipe posts every line as it is, and its status says that all was acknowledged.
func TestChatPipe(t *testing.T) {
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada", "--room", "ops")
	var input, want strings.Builder
	for i := range 300 {
		fmt.Fprintf(&input, "line %d\n", i)
	}
	input.WriteString("/quit\nq\n\n  indented\nlast without end")
	p := startParley(t, nil, nil, "chat", at[0], "--room", "ops", "--pipe", "--name", "log")
	p.feed(input.String())
	p.expect(0)
	if got := p.stdout.String() + p.stderr.String(); got != "" {
		t.Errorf("--pipe printed %q, want nothing", got)
	}
	ada.stdout.await(t, "log: last without end\n")
	for i := range 300 {
		fmt.Fprintf(&want, "log: line %d\n", i)
	}
	want.WriteString("log: /quit\nlog: q\nlog:   indented\nlog: last without end\n")
	var got strings.Builder
	for line := range strings.Lines(ada.stdout.String()) {
		if _, said, ok := strings.Cut(line, " log: "); ok {
			got.WriteString("log: " + said)
		}
	}
	if got.String() != want.String() {
		t.Errorf("the room was shown\n%s\nwant\n%s", got.String(), want.String())
	}
}

// A line that is too long is refused with a word and counted; the others are posted.
func TestChatPipeLongLine(t *testing.T) {
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada")
	p := startParley(t, nil, nil, "chat", at[0], "--pipe", "--name", "log")
	p.feed("before\n" + strings.Repeat("x", 4097) + "\n" + strings.Repeat("y", 4096) + "\nafter\n" + strings.Repeat("z", 100_000))
	p.expect(1)
	const want = "parley: warning: line 2 is not posted: longer than 4096 bytes\n" +
		"parley: warning: line 5 is not posted: longer than 4096 bytes\nparley: error: 2 lines not posted\n"
	if got := p.stderr.String(); got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
	ada.stdout.await(t, `log: before\n\S+ log: y{1000}y*\n\S+ log: after\n`)
}

// A name that somebody has is an error for a pipe, and a notice for a person.
func TestChatNameTaken(t *testing.T) {
	_, at := chatServer(t)
	chatter(t, at[0], "ada")
	p := startParley(t, nil, nil, "chat", at[0], "--pipe", "--name", "Ada")
	p.feed("not as another\n")
	p.expect(1)
	p.stderr.await(t, `^parley: error: chat \S+: the name Ada: .*\nparley: hint: .*--name.*\n$`)
	q := startParley(t, nil, nil, "chat", "--plain", at[0], "--name", "ADA")
	q.stdout.await(t, `\* you are guest-\d+\n(.*\n)*\* .*taken`)
	q.types("q")
	q.expect(0)
}

// JSON lines both ways.
func TestChatJSON(t *testing.T) {
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada")
	bot := startParley(t, nil, nil, "chat", at[0], "--json", "--name", "bot")
	bot.types(`{"text":"one <&> two"}`)
	bot.types(`{"text":"waves","kind":"me"}`)
	bot.types(`not json`)
	bot.types(`{"text":"psst","to":"ada"}`)
	bot.types(`{"text":"elsewhere","room":"ops"}`)
	ada.stdout.await(t, `bot: one <&> two\n\S+ \* bot waves\n`)
	ada.stdout.await(t, `bot to you: psst\n`)
	ada.types("answer")
	bot.stdout.await(t, `"text":"answer"`)
	bot.stdin.Close()
	bot.expect(1) // for the line that was none
	bot.stderr.await(t, `^parley: warning: line 3 is not posted: no JSON object of a message: .*\nparley: error: 1 line not posted\n$`)
	acks := make(map[float64]float64) // line to seq
	var texts []string
	for line := range strings.Lines(bot.stdout.String()) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch o["type"] {
		case "ack":
			acks[o["line"].(float64)] = o["seq"].(float64)
		case "message":
			texts = append(texts, fmt.Sprint(o["room"], " ", o["name"], " ", o["kind"], " ", o["text"], " ", o["own"]))
			if _, err := time.Parse(time.RFC3339, o["time"].(string)); err != nil {
				t.Errorf("time: %v", err)
			}
		case "error":
			if o["line"] != 3.0 {
				t.Errorf("%s: want line 3", line)
			}
		}
	}
	if len(acks) != 4 || acks[1] == 0 || acks[2] <= acks[1] {
		t.Errorf("acknowledged (line: seq) %v, want lines 1, 2, 4 and 5", acks)
	}
	for _, want := range []string{"lobby bot say one <&> two true", "lobby bot me waves true", "ops bot say elsewhere true", "lobby ada say answer false"} {
		if !strings.Contains(strings.Join(texts, "\n"), want) {
			t.Errorf("messages %q, want %q among them", texts, want)
		}
	}
}

// The history of a room is printed whole, in order, both ways.
func TestChatExport(t *testing.T) {
	_, at := chatServer(t)
	var input, want strings.Builder
	for i := range 1200 { // more than two pages
		fmt.Fprintf(&input, "line %d %s\n", i, strings.Repeat("x", i%300))
		fmt.Fprintf(&want, "log: line %d %s\n", i, strings.Repeat("x", i%300))
	}
	in := startParley(t, nil, nil, "chat", at[0], "--room", "ops", "--pipe", "--name", "log")
	in.feed(input.String())
	in.expect(0)
	out := startParley(t, devNull(t), nil, "chat", "export", at[0], "--room", "ops")
	out.expect(0)
	var got strings.Builder
	for line := range strings.Lines(out.stdout.String()) {
		at, said, _ := strings.Cut(line, " ")
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got.WriteString(said)
	}
	if got.String() != want.String() {
		t.Errorf("exported %d bytes, want %d", got.Len(), want.Len())
	}
	out = startParley(t, devNull(t), nil, "chat", "export", at[0], "--room", "ops", "--json", "--since", "1h")
	out.expect(0)
	got.Reset()
	last := 0.0
	for line := range strings.Lines(out.stdout.String()) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if seq := o["seq"].(float64); seq <= last || o["room"] != "ops" {
			t.Errorf("after %v comes %s", last, line)
		} else {
			last = seq
		}
		fmt.Fprintf(&got, "%s: %s\n", o["name"], o["text"])
	}
	if got.String() != want.String() {
		t.Errorf("exported %d bytes of JSON, want %d", got.Len(), want.Len())
	}
	none := startParley(t, devNull(t), nil, "chat", "export", at[0], "--room", "nothing")
	none.expect(0)
	if got := none.stdout.String(); got != "" {
		t.Errorf("an empty room is %q", got)
	}
}

// TestChatExportIsUnseen has a room not told of who reads its history.
func TestChatExportIsUnseen(t *testing.T) {
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada")
	startParley(t, devNull(t), nil, "chat", "export", at[0], "--room", "lobby").expect(statusOK)
	bob := chatter(t, at[0], "bob")
	ada.stdout.await(t, `bob has come`)
	if text := ada.stdout.String() + ada.stderr.String(); strings.Contains(text, "guest-") {
		t.Errorf("ada was told %q", text)
	}
	for _, p := range []*process{ada, bob} {
		p.types("q\n")
		p.expect(statusOK)
	}
}

// The host takes part; when it leaves the conversation ends for all, and what was
// said is kept.
func TestChatHost(t *testing.T) {
	store := t.TempDir()
	host := startParley(t, nil, nil, "chat", "--host", "--plain", "--name", "ada", "--store", store, "tcp://127.0.0.1:0", "udp://127.0.0.1:0")
	at := host.listening()
	host.stdout.await(t, `\* in lobby now; 1 here\n`)
	bob := chatter(t, at, "bob", "--once")
	bob.types("hello host")
	host.stdout.await(t, `bob: hello host\n`)
	host.types("hello guest")
	bob.stdout.await(t, `ada: hello guest\n`)
	host.types("q")
	host.expect(0)
	bob.expect(1)

	host = startParley(t, nil, nil, "chat", "--host", "--plain", "--name", "ada", "--store", store, "tcp://127.0.0.1:0")
	host.stdout.await(t, `bob: hello host\n\S+ ada: hello guest\n`)
	host.signal(syscall.SIGINT)
	host.expect(130)
}

// What is wrong is said with what to do.
func TestChatErrors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "tcp://" + ln.Addr().String()
	ln.Close()
	p := startParley(t, devNull(t), nil, "chat", "--plain", nobody)
	p.expect(1)
	p.stderr.await(t, "^parley: error: dial "+nobody+`: .*refused\n(parley: hint: .*\n)*parley: hint: `+"`parley chat --host tcp://:")
	echo := server(t, func(c *net.TCPConn) { io.Copy(c, c) })
	p = startParley(t, devNull(t), nil, "chat", "--plain", echo)
	p.expect(1)
	p.stderr.await(t, "^parley: error: chat "+echo+": the peer is no chat server.*\nparley: hint: `parley dial ")
}

// A connection that is cut is made again, with a note, and nothing is lost;
// --once gives up.
func TestChatReconnects(t *testing.T) {
	store := t.TempDir()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	ln.Close()
	serve := func() *process {
		p := startParley(t, nil, nil, "serve", "-q", "chat?store="+store+"@tcp://"+at)
		p.stdout.await(t, "listening ")
		return p
	}
	s := serve()
	ada := chatter(t, "tcp://"+at, "ada")
	once := chatter(t, "tcp://"+at, "bob", "--once")
	pipe := startParley(t, nil, nil, "chat", "tcp://"+at, "--pipe", "--name", "log")
	ada.stdout.await(t, `\* log has come\n`)
	ada.types("before")
	ada.stdout.await(t, "ada: before\n")
	s.signal(syscall.SIGKILL)
	ada.stderr.await(t, `parley: note: connection lost \(.*\); trying again in \d`)
	once.expect(1)
	ada.types("meanwhile")
	pipe.feed("from a pipe")
	time.Sleep(quitFlush + 200*time.Millisecond) // longer than a person waits who leaves
	serve()
	pipe.expect(0)
	ada.stdout.await(t, "log: from a pipe\n")
	ada.stderr.await(t, `parley: note: connected again\n`)
	ada.stdout.await(t, "ada: meanwhile\n")
	ada.types("q")
	ada.expect(0)
	if got := strings.Count(ada.stdout.String(), "ada: before\n"); got != 1 {
		t.Errorf("shown %d times, want once:\n%s", got, ada.stdout.String())
	}
}

// A stdout that nobody reads ends it with 141.
func TestChatStdoutClosed(t *testing.T) {
	_, at := chatServer(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := startParley(t, nil, w, "chat", "--plain", at[0])
	w.Close()
	r.Close()
	p.expect(141)
}

// What was not acknowledged is counted: when --wait runs out, and at a signal.
func TestChatPipeUnacknowledged(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"--wait", "100ms"}, 1, "parley: error: 2 messages not acknowledged\n$"},
		{nil, 130, "parley: warning: 2 messages not acknowledged\n$"},
	} {
		s, at := chatServer(t)
		p := startParley(t, nil, nil, append([]string{"chat", at[0], "--json"}, tt.args...)...)
		p.stdout.await(t, `"type":"joined"`)
		s.signal(syscall.SIGKILL)
		p.stderr.await(t, "connection lost")
		p.feed(`{"text":"one"}` + "\n" + `{"text":"two"}` + "\n")
		if tt.status == 130 {
			time.Sleep(100 * time.Millisecond) // until the lines are taken, of which nothing is said
			p.signal(syscall.SIGINT)
		}
		p.expect(tt.status)
		p.stderr.await(t, tt.stderr)
	}
}

// The end of a host's input is not the end of the conversation.
func TestChatHostWithoutInput(t *testing.T) {
	host := startParley(t, devNull(t), nil, "chat", "--host", "--store", "none", "tcp://127.0.0.1:0")
	at := host.listening()
	host.stderr.await(t, "our input ended; the conversation is open until a signal")
	ada := chatter(t, at, "ada")
	ada.types("anybody?")
	host.stdout.await(t, "ada: anybody\\?\n")
	host.signal(syscall.SIGTERM)
	host.expect(143)
}

// History: the last of it, or since.
func TestChatHistory(t *testing.T) {
	_, at := chatServer(t)
	in := startParley(t, nil, nil, "chat", at[0], "--pipe", "--name", "log")
	in.feed("one\ntwo\nthree\n")
	in.expect(0)
	for _, tt := range []struct {
		args []string
		want int
	}{
		{nil, 3}, {[]string{"--history", "2"}, 2}, {[]string{"--history", "0"}, 0}, {[]string{"--since", "1h"}, 3}, {[]string{"--since", "1ns"}, 0},
	} {
		ada := chatter(t, at[0], "ada", tt.args...)
		ada.types("q")
		ada.expect(0)
		if got := strings.Count(ada.stdout.String(), " log: "); got != tt.want {
			t.Errorf("%v shows %d messages, want %d:\n%s", tt.args, got, tt.want, ada.stdout.String())
		}
	}
}

// A line of JSON is an object with a text, and nothing else is.
func TestParseJSONLine(t *testing.T) {
	for line, want := range map[string]string{
		`{"text":""}`:                        "",
		`{"text":"a","room":"b"}`:            "",
		`{"text":"a","kind":"me"}`:           "",
		`{"text":"a"} {"text":"b"}`:          "more than one JSON object",
		`{"text":"a"`:                        "ends too early",
		`{"tex":"a"}`:                        `unknown field "tex"`,
		`{"room":"a"}`:                       `no "text"`,
		`{"text":1}`:                         "cannot unmarshal number",
		`["a"]`:                              "cannot unmarshal array",
		`{"text":"a","kind":"shout"}`:        `kind "shout": want say or me`,
		`{"text":"a","to":"b","room":"ops"}`: "do not go together",
		`null`:                               `no "text"`,
	} {
		_, err := parseJSONLine(line)
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.Contains(got, want) {
			t.Errorf("parseJSONLine(%s) = %v, want %q", line, err, want)
		}
	}
}

// Lines come whole, or not at all.
func TestLineInput(t *testing.T) {
	in := newInput(iotest.OneByteReader(strings.NewReader("a\r\n\n" + "1234567\n12345678\r\n123456789\n12345678901234567890\nz")))
	in.size = readSize
	l := &lineInput{in: in, max: 8}
	var got []string
	for {
		line, err := l.next(nil)
		if err == io.EOF {
			break
		}
		if err != nil {
			line = err.Error()
		}
		got = append(got, fmt.Sprint(l.number, line))
	}
	in.close()
	want := []string{"1a", "2", "31234567", "412345678", "5line too long", "6line too long", "7z"}
	if !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}

// Who does not read our output does not keep us from ending.
func TestChatOutputStuck(t *testing.T) {
	_, at := chatServer(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := startParley(t, nil, w, "chat", "--plain", "--name", "ada", at[0])
	w.Close()
	if _, err := io.ReadFull(r, make([]byte, len("* you are ada\n* in"))); err != nil { // it is in the room
		t.Fatal(err)
	}
	in := startParley(t, nil, nil, "chat", at[0], "--pipe")
	in.feed(strings.Repeat(strings.Repeat("x", 4000)+"\n", 50)) // more than a pipe holds
	in.expect(0)
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGTERM)
	p.expect(143)
}
