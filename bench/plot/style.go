package plot

import (
	"image/color"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette is that of Okabe and Ito, which people see apart however they see colours.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, // blue
	color.RGBA{0xd5, 0x5e, 0x00, 0xff}, // vermilion
	color.RGBA{0x00, 0x9e, 0x73, 0xff}, // green
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, // purple
	color.RGBA{0xe6, 0x9f, 0x00, 0xff}, // orange
	color.RGBA{0x56, 0xb4, 0xe9, 0xff}, // sky
}

// dashes tell curves apart in print without colours, and those whose colours are used
// again.
var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 3, 2, 3}}

var (
	ink     = color.Gray{0x22}
	pale    = color.Gray{0x66}
	faint   = color.Gray{0xdd}
	warning = color.RGBA{0xb0, 0x30, 0x00, 0xff}
)

// curve is the style of the curves of group n.
func curve(n int) draw.LineStyle {
	return draw.LineStyle{
		Color:  palette[n%len(palette)],
		Width:  1.5,
		Dashes: dashes[(n/len(palette)+n)%len(dashes)],
	}
}

// typeface is a text style of a size in points.
func typeface(size vg.Length, c color.Color) text.Style {
	f := font.From(plot.DefaultFont, size)
	f.Variant = "Sans"
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler}
}

func bold(s text.Style) text.Style {
	s.Font.Weight = stdfont.WeightBold
	return s
}

// restyle changes size and colour and keeps the alignment.
func restyle(s *text.Style, size vg.Length, c color.Color) {
	x, y := s.XAlign, s.YAlign
	*s = typeface(size, c)
	s.XAlign, s.YAlign = x, y
}

// newPanel is a plot in our style with nothing in it yet.
func newPanel(title, x string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	restyle(&p.Title.TextStyle, 10, ink)
	p.Title.TextStyle = bold(p.Title.TextStyle)
	p.Title.Padding = 6
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.Color, a.Tick.Color = pale, pale
		a.Tick.Length = 4
		a.Label.Padding = 3
		restyle(&a.Label.TextStyle, 9, pale)
		restyle(&a.Tick.Label, 8.5, ink)
	}
	p.X.Label.Text = x
	grid := plotter.NewGrid()
	grid.Vertical = draw.LineStyle{Color: faint, Width: 0.5}
	grid.Horizontal = grid.Vertical
	p.Add(grid)
	return p
}

// say writes words into the middle of a panel that has nothing to show.
func say(p *plot.Plot, words string) {
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks{}, plot.ConstantTicks{}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	p.Add(note(0.5, 0.5, words, pale, draw.XCenter, 0, 0))
}

// note is words beside a point.
func note(x, y float64, words string, c color.Color, align draw.XAlignment, dx, dy vg.Length) plot.Plotter {
	style := typeface(8.5, c)
	style.XAlign, style.YAlign = align, draw.YCenter
	return &plotter.Labels{
		XYs: plotter.XYs{{X: x, Y: y}}, Labels: []string{words}, TextStyle: []text.Style{style}, Offset: vg.Point{X: dx, Y: dy},
	}
}

// styled is a line through points.
func styled(points plotter.XYs, style draw.LineStyle) *plotter.Line {
	return &plotter.Line{XYs: points, LineStyle: style}
}
