// Package command reads what a person types at the prompt of a chat: lines to
// say, and commands that begin with a slash. It is pure; the server uses it for
// plain peers, and the clients for their people.
package command
