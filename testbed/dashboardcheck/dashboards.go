// Package dashboardcheck reads the dashboards and alert rules of deploy/, for the tests beside it, which need nothing but the files,
// and for scripts/dashboard-check, which asks a real Prometheus every query that they make.
package dashboardcheck

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Dashboard is what a file says that somebody can get wrong.
type Dashboard struct {
	File        string
	UID         string
	Title       string
	Description string
	Panels      []Panel
	Variables   []Query // those that ask Prometheus; Name is the variable's
	Annotations []Query
	Text        string // the file
}

// Panel is one that shows figures. Rows are none.
type Panel struct {
	ID          int
	Title       string
	Type        string
	Description string
	Unit        string
	Place       Place
	Queries     []Query
}

// Place is where a panel is on the grid of 24 columns.
type Place struct{ H, W, X, Y int }

// Query is what a panel, a variable or an annotation asks Prometheus.
type Query struct {
	Name    string // refId of a panel's query
	Expr    string
	Legend  string
	Instant bool
	Table   bool
}

type panelFile struct {
	ID          int
	Type        string
	Title       string
	Description string
	GridPos     Place
	Panels      []panelFile // of a folded row
	FieldConfig struct {
		Defaults  struct{ Unit string }
		Overrides []struct {
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
	Targets []struct {
		RefID        string
		Expr         string
		LegendFormat string
		Format       string
		Instant      bool
	}
}

// Load reads all dashboards of a directory.
func Load(directory string) ([]Dashboard, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no dashboards in %s", directory)
	}
	var all []Dashboard
	for _, file := range files {
		d, err := load(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		all = append(all, d)
	}
	return all, nil
}

func load(file string) (Dashboard, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Dashboard{}, err
	}
	var content struct {
		UID, Title, Description string
		Panels                  []panelFile
		Templating              struct {
			List []struct {
				Name, Type string
				Query      any
			}
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal(text, &content); err != nil {
		return Dashboard{}, err
	}
	d := Dashboard{File: filepath.Base(file), UID: content.UID, Title: content.Title, Description: content.Description, Text: string(text)}
	d.add(content.Panels)
	for _, v := range content.Templating.List {
		if query, ok := v.Query.(map[string]any); ok && v.Type == "query" {
			expr, _ := query["query"].(string)
			d.Variables = append(d.Variables, Query{Name: v.Name, Expr: expr})
		}
	}
	for _, a := range content.Annotations.List {
		d.Annotations = append(d.Annotations, Query{Name: a.Name, Expr: a.Expr})
	}
	return d, nil
}

func (d *Dashboard) add(panels []panelFile) {
	for _, p := range panels {
		if p.Type == "row" {
			d.add(p.Panels)
			continue
		}
		panel := Panel{ID: p.ID, Title: p.Title, Type: p.Type, Description: p.Description, Unit: p.FieldConfig.Defaults.Unit, Place: p.GridPos}
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				if unit, ok := property.Value.(string); ok && property.ID == "unit" && panel.Unit == "" {
					panel.Unit = unit // a table has one a column
				}
			}
		}
		for _, t := range p.Targets {
			panel.Queries = append(panel.Queries, Query{Name: t.RefID, Expr: t.Expr, Legend: t.LegendFormat, Instant: t.Instant, Table: t.Format == "table"})
		}
		d.Panels = append(d.Panels, panel)
	}
}

var variable = regexp.MustCompile(`\$\{?[A-Za-z_]+[^}]?`)

// Expand puts values in the place of variables ($name), the longest names first. A variable that none is given for is an error.
func (q Query) Expand(values map[string]string) (string, error) {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	expr := q.Expr
	for _, name := range names {
		expr = strings.ReplaceAll(expr, "$"+name, values[name])
	}
	if left := variable.FindString(expr); left != "" {
		return "", fmt.Errorf("%s is not known", left)
	}
	return expr, nil
}

// Asks tells whether the query has a variable of that name.
func (q Query) Asks(name string) bool { return strings.Contains(q.Expr, "$"+name) }

var labelValues = regexp.MustCompile(`^label_values\((.+), *([a-zA-Z_]+)\)$`)

// LabelValues takes a variable's query apart: the selector of series, and the label whose values are asked for.
func LabelValues(expr string) (selector, label string, err error) {
	parts := labelValues.FindStringSubmatch(expr)
	if parts == nil {
		return "", "", fmt.Errorf("%s is no label_values(selector, label)", expr)
	}
	return parts[1], parts[2], nil
}
