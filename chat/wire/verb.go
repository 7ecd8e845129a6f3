package wire

// Version is the version of the protocol that this package speaks.
const Version = 1

// The verbs. [VerbPast] and [VerbWho] go both ways.
const (
	VerbHello = "PARLEY" // both ways: the first line, and its answer

	VerbJoin  = "JOIN"
	VerbPart  = "PART"
	VerbPost  = "POST"
	VerbTell  = "TELL"
	VerbNick  = "NICK"
	VerbWho   = "WHO"
	VerbRooms = "ROOMS"
	VerbPast  = "PAST"
	VerbProof = "PROOF"
	VerbPing  = "PING"
	VerbQuit  = "QUIT"

	VerbProved  = "PROVED"
	VerbLive    = "LIVE"
	VerbMore    = "MORE"
	VerbParted  = "PARTED"
	VerbMessage = "MSG"
	VerbAck     = "ACK"
	VerbNak     = "NAK"
	VerbTold    = "TOLD"
	VerbHere    = "HERE"
	VerbGone    = "GONE"
	VerbNamed   = "NAMED"
	VerbRoom    = "ROOM"
	VerbEnd     = "END"
	VerbMissed  = "MISSED"
	VerbNote    = "NOTE"
	VerbError   = "ERR"
	VerbPong    = "PONG"
	VerbBye     = "BYE"
)

// NoVerb stands for the verb in an ERR about a line that had none.
const NoVerb = "-"

// The codes of [VerbNak] and [VerbError], and what they say.
const (
	CodeNameTaken   = "name-taken"
	CodeNameBad     = "name-bad"
	CodeRoomBad     = "room-bad"
	CodeNotJoined   = "not-joined"
	CodeTooLong     = "too-long" // a text, or a line
	CodeEmpty       = "empty"    // a text
	CodeFlood       = "flood"    // more at a time than the server takes
	CodeStore       = "store"    // the log cannot store now
	CodeOrder       = "order"    // an earlier post is missing
	CodeUnknownVerb = "unknown-verb"
	CodeBadLine     = "bad-line"
	CodeNobody      = "nobody"   // nobody of that name is here
	CodeFull        = "full"     // as many rooms, or people, as the server takes
	CodeUnproved    = "unproved" // only for addresses that have proved that they receive
	CodeVersion     = "version"  // another version of the protocol
)

// The reasons of [VerbBye] and [VerbGone] that a program may want to know.
const (
	WhyQuit     = "quit"
	WhyResumed  = "resumed" // the token connected again
	WhyIdle     = "idle"
	WhyShutdown = "shutdown"
	WhyLeft     = "left"
	WhyLost     = "lost"
)

// The last word of an END PAST.
const (
	PastMore = "more"
	PastDone = "done"
)
