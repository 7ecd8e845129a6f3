package cause

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// An entry is what one error of the system is called, and the word for it.
type entry struct{ name, word string }

// entries are the errors of sockets: those of Winsock, and those of the system
// that overlapped calls (ConnectEx, and reads and writes) end with instead.
// Constant.
var entries = map[syscall.Errno]entry{
	windows.WSAECONNREFUSED:           {"WSAECONNREFUSED", "refused"},
	windows.WSAECONNRESET:             {"WSAECONNRESET", "reset"},
	windows.WSAECONNABORTED:           {"WSAECONNABORTED", "reset"},
	windows.WSAENETRESET:              {"WSAENETRESET", "reset"},
	windows.WSAETIMEDOUT:              {"WSAETIMEDOUT", "timed out"},
	windows.WSAENETUNREACH:            {"WSAENETUNREACH", "unreachable"},
	windows.WSAEHOSTUNREACH:           {"WSAEHOSTUNREACH", "unreachable"},
	windows.WSAENETDOWN:               {"WSAENETDOWN", "unreachable"},
	windows.WSAEHOSTDOWN:              {"WSAEHOSTDOWN", "unreachable"},
	windows.WSAEACCES:                 {"WSAEACCES", "denied"},
	windows.WSAEADDRINUSE:             {"WSAEADDRINUSE", "in use"},
	windows.WSAEADDRNOTAVAIL:          {"WSAEADDRNOTAVAIL", "no local address"},
	windows.WSAEMFILE:                 {"WSAEMFILE", "too many files"},
	windows.WSAENOBUFS:                {"WSAENOBUFS", "no memory"},
	windows.WSAENOTCONN:               {"WSAENOTCONN", "closed"},
	windows.WSAESHUTDOWN:              {"WSAESHUTDOWN", "closed"},
	windows.WSAEDISCON:                {"WSAEDISCON", "closed"},
	windows.WSAEMSGSIZE:               {"WSAEMSGSIZE", "too long"},
	windows.WSAENAMETOOLONG:           {"WSAENAMETOOLONG", "too long"},
	windows.WSAECANCELLED:             {"WSAECANCELLED", "canceled"},
	windows.WSAEINVAL:                 {"WSAEINVAL", ""},
	windows.WSAENOTSOCK:               {"WSAENOTSOCK", ""},
	windows.WSAEWOULDBLOCK:            {"WSAEWOULDBLOCK", ""},
	windows.WSAEPROTOTYPE:             {"WSAEPROTOTYPE", ""},
	windows.WSAENOPROTOOPT:            {"WSAENOPROTOOPT", ""},
	windows.WSAEPROTONOSUPPORT:        {"WSAEPROTONOSUPPORT", ""},
	windows.WSAEOPNOTSUPP:             {"WSAEOPNOTSUPP", ""},
	windows.WSAEAFNOSUPPORT:           {"WSAEAFNOSUPPORT", ""},
	windows.WSAEISCONN:                {"WSAEISCONN", ""},
	windows.ERROR_CONNECTION_REFUSED:  {"ERROR_CONNECTION_REFUSED", "refused"},
	windows.ERROR_PORT_UNREACHABLE:    {"ERROR_PORT_UNREACHABLE", "refused"},
	windows.ERROR_NETNAME_DELETED:     {"ERROR_NETNAME_DELETED", "reset"},
	windows.ERROR_CONNECTION_ABORTED:  {"ERROR_CONNECTION_ABORTED", "reset"},
	windows.ERROR_SEM_TIMEOUT:         {"ERROR_SEM_TIMEOUT", "timed out"},
	windows.ERROR_NETWORK_UNREACHABLE: {"ERROR_NETWORK_UNREACHABLE", "unreachable"},
	windows.ERROR_HOST_UNREACHABLE:    {"ERROR_HOST_UNREACHABLE", "unreachable"},
	windows.ERROR_ACCESS_DENIED:       {"ERROR_ACCESS_DENIED", "denied"},
	windows.ERROR_FILE_NOT_FOUND:      {"ERROR_FILE_NOT_FOUND", "no such socket"},
	windows.ERROR_PATH_NOT_FOUND:      {"ERROR_PATH_NOT_FOUND", "no such socket"},
	windows.ERROR_TOO_MANY_OPEN_FILES: {"ERROR_TOO_MANY_OPEN_FILES", "too many files"},
	windows.ERROR_NOT_ENOUGH_MEMORY:   {"ERROR_NOT_ENOUGH_MEMORY", "no memory"},
	windows.ERROR_BROKEN_PIPE:         {"ERROR_BROKEN_PIPE", "closed"},
	windows.ERROR_OPERATION_ABORTED:   {"ERROR_OPERATION_ABORTED", "canceled"},

	// Package syscall has POSIX errors of its own making, which the system never
	// gives, and Go's own code sometimes.
	syscall.ECONNREFUSED:  {"ECONNREFUSED", "refused"},
	syscall.ECONNRESET:    {"ECONNRESET", "reset"},
	syscall.ECONNABORTED:  {"ECONNABORTED", "reset"},
	syscall.ETIMEDOUT:     {"ETIMEDOUT", "timed out"},
	syscall.ENETUNREACH:   {"ENETUNREACH", "unreachable"},
	syscall.EHOSTUNREACH:  {"EHOSTUNREACH", "unreachable"},
	syscall.EACCES:        {"EACCES", "denied"},
	syscall.EADDRINUSE:    {"EADDRINUSE", "in use"},
	syscall.EADDRNOTAVAIL: {"EADDRNOTAVAIL", "no local address"},
	syscall.EMSGSIZE:      {"EMSGSIZE", "too long"},
	syscall.EPIPE:         {"EPIPE", "closed"},
}

func nameOf(e syscall.Errno) string { return entries[e].name }

// wordOf is "" for what no word is for.
func wordOf(e syscall.Errno) string { return entries[e].word }
