// Package screen is the chat on a terminal: messages, members, rooms with unread
// counts, an input line with editing, scrollback, search, and marks that say what
// became of one's own messages.
//
// It shows what a client's events tell and passes on what its user wants; it does
// no I/O but to the terminal. The state is one model, owned by the goroutine of the
// terminal program:
//
//	Chat.Events ── pump ──> model.Update ──> rooms of items ──> View ── terminal
//	terminal ── keys ─────> model.Update ──> Chat.Post, Join ...
//
// An item is what takes lines in a room: a message, a notice. Its lines are wrapped
// when they are first shown at a width and kept with it, so that to draw costs
// what is visible, however long the room is.
//
// Colour never says anything alone: each colour is beside a word or a sign. All
// text of others goes through text.Clean, and widths are counted as the terminal
// says that it counts them.
package screen
