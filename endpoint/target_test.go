package endpoint

import "testing"

func TestParseTarget(t *testing.T) {
	unix := Endpoint{Scheme: "unix", Path: "/run/g.sock"}
	for _, tt := range []struct {
		in   string
		want Target
		text string
	}{
		{"echo@tcp://:7", Target{Service: "echo", Endpoint: MustParse(":7")}, "echo@tcp://:7"},
		{"gate?wait=5s&secret=1@unix:/run/g.sock", Target{Service: "gate", params: "secret=1&wait=5s", Endpoint: unix}, "gate?secret=1&wait=5s@unix:/run/g.sock"},
		{"echo", Target{Service: "echo"}, "echo"},
		{"greet?text=x y,%40", Target{Service: "greet", params: "text=x%20y,%40"}, "greet?text=x%20y,%40"},
		{"a-1@:7?a=1", Target{Service: "a-1", Endpoint: MustParse(":7?a=1")}, "a-1@tcp://:7?a=1"},
		{"a?@:7", Target{Service: "a", Endpoint: MustParse(":7")}, "a@tcp://:7"},
		{"a@unix:@b", Target{Service: "a", Endpoint: MustParse("unix:@b")}, "a@unix:@b"},
		{"a@:7?x=y@z", Target{Service: "a", Endpoint: MustParse(":7?x=y@z")}, "a@tcp://:7?x=y%40z"},
	} {
		got, err := ParseTarget(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseTarget(%q) = %#v, %v, want %#v", tt.in, got, err, tt.want)
			continue
		}
		if text := got.String(); text != tt.text {
			t.Errorf("ParseTarget(%q).String() = %q, want %q", tt.in, text, tt.text)
		}
		if again, err := ParseTarget(tt.text); err != nil || again != got {
			t.Errorf("ParseTarget(%q) = %#v, %v, want %#v", tt.text, again, err, got)
		}
	}
}

func TestParseTargetErrors(t *testing.T) {
	tests := []badText{
		{"«»", `target "": expected SERVICE@ENDPOINT; the service is missing`},
		{"«»@:7", `target "@:7": expected SERVICE@ENDPOINT; the service is missing`},
		{"«tcp://:7?a=1»", `target "tcp://:7?a=1": expected a service before the endpoint, as in "echo@tcp://:7"`},
		{"«unix:@x»", `target "unix:@x": expected a service before the endpoint, as in "echo@unix:@x"`},
		{"«Echo»@:7", `target "Echo@:7": "Echo" is not a service; expected a letter a-z, then letters, digits and "-"`},
		{"«1a»", `target "1a": "1a" is not a service; expected a letter a-z, then letters, digits and "-"`},
		{"echo@«»", `target "echo@": expected an endpoint after "@"`},
		{"echo@«tcpp»://:7", `target "echo@tcpp://:7": unknown scheme "tcpp"; nearest is "tcp"`},
		{"echo@tcp://:«99999»", `target "echo@tcp://:99999": port "99999" is not in 0 to 65535`},
		{"echo@« »:7", `target "echo@ :7": " " at the edge; a path or an option has it as "%20"`},
		{"e?a=1&«a»@:7", `target "e?a=1&a@:7": parameter "a" is given twice`},
		{"e?«=1»@:7", `target "e?=1@:7": expected the name of a parameter before "=1"`},
		{"e?a=«%»@:7", `target "e?a=%@:7": "%" is not percent-encoded; a percent sign is "%25"`},
		{"e?a=x@«y@tcp»://:7", `target "e?a=x@y@tcp://:7": unknown scheme "y@tcp"; nearest is "tcp"; an "@" in a parameter is written "%40"`},
		{"e?a=«\t»@:7", `target "e?a=\t@:7": control character '\t'; a path or an option has it as "%09"`},
	}
	for _, tt := range tests {
		tt.check(t, func(s string) error { got, err := ParseTarget(s); return errorAndZero(t, s, got, err) })
	}
}

func TestTargetParams(t *testing.T) {
	target, err := ParseTarget("gate?wait=5s&secret=a%20b&x@:7?wait=1")
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := target.Param("secret"); v != "a b" || !ok {
		t.Errorf("Param(%q) = %q, %v, want %q, true", "secret", v, ok, "a b")
	}
	if v, ok := target.Param("x"); v != "" || !ok {
		t.Errorf("Param(%q) = %q, %v, want \"\", true", "x", v, ok)
	}
	if v, ok := target.Param("y"); v != "" || ok {
		t.Errorf("Param(%q) = %q, %v, want \"\", false", "y", v, ok)
	}
	got := ""
	for name, value := range target.Params() {
		got += name + "=" + value + ";"
	}
	if want := "secret=a b;wait=5s;x=;"; got != want {
		t.Errorf("Params() = %q, want %q", got, want)
	}
	moved := target.WithEndpoint(MustParse(":9"))
	if want := "gate?secret=a%20b&wait=5s&x@tcp://:9"; moved.String() != want {
		t.Errorf("WithEndpoint = %s, want %s", moved, want)
	}
}
