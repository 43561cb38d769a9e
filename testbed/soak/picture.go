package main

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture is goroutines over requests, the old way's beside the relay's.
type picture struct {
	old, relay plotter.XYs
	oldEnd     sample
}

const (
	pictureWidth  = 24 * vg.Centimeter
	pictureHeight = 9 * vg.Centimeter
	pngResolution = 110
)

var (
	ink   = color.RGBA{R: 0x33, G: 0x33, B: 0x33, A: 0xff}
	faint = color.RGBA{R: 0xdd, G: 0xdd, B: 0xdd, A: 0xff}
	red   = color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}
	blue  = color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}
)

// points is goroutines over requests. A line needs no more than a few hundred.
func points(samples []sample) plotter.XYs {
	const most = 400
	step := (len(samples) + most - 1) / most
	xys := plotter.XYs{{}}
	for i := 0; i < len(samples); i += max(1, step) {
		xys = append(xys, plotter.XY{X: samples[i].requests, Y: samples[i].goroutines})
	}
	if len(samples) > 0 {
		xys[0].Y = samples[0].goroutines // where the first sample was taken, nearly nothing had been asked
		final := samples[len(samples)-1]
		xys = append(xys, plotter.XY{X: final.requests, Y: final.goroutines})
	}
	return xys
}

// save draws it, as SVG and as PNG.
func (p *picture) save(svg, png string) error {
	old := append(p.old[:len(p.old):len(p.old)], plotter.XY{X: p.oldEnd.requests, Y: p.oldEnd.goroutines})
	top := 0.0
	for _, xy := range append(old[:len(old):len(old)], p.relay...) {
		top = max(top, xy.Y)
	}
	top *= 1.15
	left, err := panel("The old way of writing adaptors", old, red, top)
	if err != nil {
		return err
	}
	right, err := panel("This relay, the same kind of calls", p.relay, blue, top)
	if err != nil {
		return err
	}
	both := [][]*plot.Plot{{left, right}}
	vector := vgsvg.NewWith(vgsvg.UseWH(pictureWidth, pictureHeight))
	place(both, draw.New(vector))
	raster := vgimg.NewWith(vgimg.UseWH(pictureWidth, pictureHeight), vgimg.UseDPI(pngResolution))
	place(both, draw.New(raster))
	return errors.Join(writeTo(svg, vector), writeTo(png, vgimg.PngCanvas{Canvas: raster}))
}

func place(both [][]*plot.Plot, on draw.Canvas) {
	on.SetColor(color.White) // dark pages
	on.Fill(on.Path())
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Centimeter, PadTop: 3 * vg.Millimeter, PadBottom: 2 * vg.Millimeter, PadLeft: 2 * vg.Millimeter, PadRight: 5 * vg.Millimeter}
	for i, canvas := range plot.Align(both, tiles, on)[0] {
		both[0][i].Draw(canvas)
	}
}

// panel is one of the two, with what the line ends at written above it.
func panel(title string, line plotter.XYs, ink color.Color, top float64) (*plot.Plot, error) {
	p := plot.New()
	sans(p)
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "requests", "goroutines"
	curve, err := plotter.NewLine(line)
	if err != nil {
		return nil, err
	}
	curve.Color, curve.Width = ink, vg.Points(1.6)
	end := line[len(line)-1]
	above := end
	for _, xy := range line {
		above.Y = max(above.Y, xy.Y)
	}
	final := fmt.Sprintf("%s goroutines after %s requests", grouped(end.Y), grouped(end.X))
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{above}, Labels: []string{final}})
	if err != nil {
		return nil, err
	}
	label.TextStyle[0] = text.Style{Color: ink, Font: font.From(face, 10), XAlign: draw.XRight, YAlign: draw.YBottom, Handler: plot.DefaultTextHandler}
	label.Offset = vg.Point{X: vg.Points(-2), Y: vg.Points(5)}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Transparent, faint
	p.Add(grid, curve, label)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, end.X*1.001, 0, top
	p.X.Tick.Marker, p.Y.Tick.Marker = roundTicks(4), roundTicks(5)
	return p, nil
}

// face is the type. Viewers of an SVG replace it with what they have.
var face = font.Font{Typeface: "Liberation", Variant: "Sans"}

// sans sets it.
func sans(p *plot.Plot) {
	for style, size := range map[*text.Style]vg.Length{
		&p.Title.TextStyle: 12, &p.X.Label.TextStyle: 10, &p.Y.Label.TextStyle: 10, &p.X.Tick.Label: 9, &p.Y.Tick.Label: 9,
	} {
		style.Font, style.Color = font.From(face, size), ink
	}
	p.Title.Padding = vg.Points(6)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Tick.Color, axis.Padding = ink, ink, 0
	}
}

// roundTicks are about n ticks at round numbers.
func roundTicks(n float64) plot.Ticker {
	return plot.TickerFunc(func(least, most float64) (ticks []plot.Tick) {
		step := math.Pow(10, math.Floor(math.Log10(most/n)))
		for _, more := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
			if most/step <= n+1.5 {
				break
			}
			step *= more
		}
		for v := 0.0; v <= most; v += step {
			ticks = append(ticks, plot.Tick{Value: v, Label: grouped(v)})
		}
		return ticks
	})
}

func writeTo(file string, from io.WriterTo) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = from.WriteTo(f)
	return errors.Join(err, f.Close())
}
