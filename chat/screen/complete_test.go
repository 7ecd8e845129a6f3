package screen

import (
	"testing"

	"parley/chat/client"
)

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		typed string
		keys  []string
		want  string
	}{
		{"gr", []string{"tab"}, "grace: "},
		{"hi gr", []string{"tab"}, "hi grace "},
		{"GR", []string{"tab"}, "grace: "},
		{"b", []string{"tab"}, "bob: "},
		{"b", []string{"tab", "tab"}, "bea: "},
		{"b", []string{"tab", "tab", "tab"}, "bob: "},
		{"b", []string{"shift+tab"}, "bea: "},
		{"hi @gr", []string{"tab"}, "hi @grace "},
		{"a", []string{"tab"}, "a"}, // not our own name
		{"zz", []string{"tab"}, "zz"},
		{"", []string{"tab"}, ""},
		{"/jo", []string{"tab"}, "/join "},
		{"/join o", []string{"tab"}, "/join ops "},
		{"/join far", []string{"tab"}, "/join faraway "},
		{"/msg gr", []string{"tab"}, "/msg grace "},
		{"see #op", []string{"tab"}, "see #ops "},
		{"gr there", []string{"home", "right", "right", "tab"}, "grace:  there"},
		{"b", []string{"tab", "'x"}, "bob: x"},
		{"b", []string{"tab", "'b", "tab"}, "bob: bob "},
	} {
		s := newScreen(t, 80, 24)
		s.events(client.Joined{Room: "ops"}, client.Members{Room: "lobby", Names: []string{"ada", "bea", "grace", "bob"}},
			client.RoomList{Rooms: []client.RoomInfo{{Name: "faraway"}}})
		s.say("lobby", "bob", "who spoke last comes first")
		s.keys("'" + c.typed)
		s.keys(c.keys...)
		if got := s.m.input.text; got != c.want {
			t.Errorf("%q and %q: got %q, want %q", c.typed, c.keys, got, c.want)
		}
	}
	s := newScreen(t, 80, 24)
	s.events(client.Members{Room: "lobby", Names: []string{"bea", "bob"}})
	s.keys("'b", "tab", "tab")
	s.wantStatus("bea [bob]")
}
