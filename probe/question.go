package probe

import (
	"fmt"
	"slices"
	"strconv"
)

// A question is what one datagram service is asked, and what its answer says.
type question struct {
	service string
	asked   string // in words
	ports   []int  // where it is customary

	// ask makes the datagram. number tells this one from others, where the
	// protocol has room for that.
	ask func(number uint64) []byte

	// describe says in words what an answer says, without the service's name; ok
	// is whether it is of the service's shape. It takes any bytes. nil is for a
	// service that never answers.
	describe func(asked, answer []byte) (words string, ok bool)

	elsewhere bool // it is answered from another port, which is heard on IPv4 only
}

// questions are all that are known. Constant.
var questions = []question{
	{service: "echo", asked: "16 bytes to echo", ports: []int{7, 7007}, ask: askEcho, describe: describeEcho},
	{service: "discard", asked: "an empty datagram; discard never answers", ports: []int{9, 7009}, ask: askNothing},
	{service: "chargen", asked: "a request for characters", ports: []int{19, 7019}, ask: askNothing, describe: describeChargen},
	{service: "daytime", asked: "a request for the time in words", ports: []int{13, 7013}, ask: askNothing, describe: describeDaytime},
	{service: "time", asked: "a request for the seconds since 1900", ports: []int{37, 7037}, ask: askNothing, describe: describeTime},
	{service: "ack", asked: "a text to acknowledge", ports: []int{50001}, ask: askText, describe: describeAck},
	{service: "stamp", asked: "a text to stamp", ports: []int{21567}, ask: askText, describe: describeStamp},
	{service: "timesync", asked: "a format for the time", ports: []int{9527}, ask: askTimesync, describe: describeTimesync},
	{service: "chat", asked: "QUIT of parley's chat", ports: []int{9528}, ask: askChat, describe: describeChat},
	{service: "ntp", asked: "an NTP request", ports: []int{123, 11123}, ask: askNTP, describe: describeNTP},
	{service: "dns", asked: "a question for the name servers of the root", ports: []int{53}, ask: askDNS, describe: describeDNS},
	{service: "mdns", asked: "a question which services there are, by multicast DNS", ports: []int{5353}, ask: askMDNS, describe: describeDNS},
	{service: "snmp", asked: "a question for sysDescr of community public, by SNMP v2c", ports: []int{161}, ask: askSNMP, describe: describeSNMP},
	{service: "tftp", asked: "a request for a file that is not there", ports: []int{69}, ask: askTFTP, describe: describeTFTP, elsewhere: true},
	{service: "syslog", asked: "an empty datagram; syslog never answers", ports: []int{514}, ask: askNothing},
	{service: "quic", asked: "a question for the versions of QUIC", ports: []int{443, 853, 8443}, ask: askQUIC, describe: describeQUIC},
	{service: "stun", asked: "a STUN binding request", ports: []int{3478}, ask: askSTUN, describe: describeSTUN},
	{service: "memcached", asked: "a question for the version of memcached", ports: []int{11211}, ask: askMemcached, describe: describeMemcached},
	{service: "ssdp", asked: "a search for root devices, by SSDP", ports: []int{1900}, ask: askSSDP, describe: describeSSDP},
}

// plain is what is asked where nothing is known.
var plain = question{asked: "an empty datagram", ask: askNothing}

// Services are the names that Parse takes before the "@".
func Services() []string {
	names := make([]string, len(questions))
	for i, q := range questions {
		names[i] = q.service
	}
	return names
}

// questionFor is that of the service that is named, or else the one customary at
// the port.
func questionFor(t Target) question {
	port, _ := strconv.Atoi(t.Endpoint.Port)
	for _, q := range questions {
		if q.service == t.Service || t.Service == "" && slices.Contains(q.ports, port) {
			return q
		}
	}
	return plain
}

// inWords says what an answer says, and whether it is of the service's shape. One that is not is
// given as it is, with nothing made of it.
func (q question) inWords(asked, answer []byte) (words string, fits bool) {
	if q.describe != nil {
		if words, ok := q.describe(asked, answer); ok {
			return q.service + ": " + words, true
		}
	}
	return bytesInWords(answer), false
}

// An unlikeError is an answer that the service that was named does not give.
type unlikeError struct{ service string }

func (e *unlikeError) Error() string { return "the answer is not one of " + e.service }

// shownBytes is how much of an answer without meaning is shown.
const shownBytes = 32

// bytesInWords is how many there are, and the first of them.
func bytesInWords(b []byte) string {
	switch len(b) {
	case 0:
		return "an empty datagram"
	case 1:
		return "1 byte: " + quoted(b, shownBytes)
	}
	return fmt.Sprintf("%d bytes: %s", len(b), quoted(b, shownBytes))
}

// quoted is the first bytes of what a peer sent, at most limit of them, in quotes
// and in ASCII: nothing in it can do a terminal harm.
func quoted(b []byte, limit int) string {
	if len(b) <= limit {
		return strconv.QuoteToASCII(string(b))
	}
	return strconv.QuoteToASCII(string(b[:limit])) + "..."
}
