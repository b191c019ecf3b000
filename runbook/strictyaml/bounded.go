package strictyaml

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of what is read. The parser's time and memory grow with the square of the depth and of the keys of one
// mapping; whoever walks through what aliases stand for walks through it again at each.
const (
	maxDepth = 64
	maxKeys  = 5000
	maxNodes = 1 << 20
)

// TooMuch is the error of a text that is nested too deeply, has too many keys in one mapping, or means too much by its
// aliases.
type TooMuch struct{ At *token.Token }

func (e *TooMuch) Error() string {
	return fmt.Sprintf("line %d: nested too deeply, or too much in one place", e.At.Position.Line)
}

// Parse is the parser's, for text that may be hostile: what would cost out of proportion to its size is a *TooMuch, and
// a panic an error.
func Parse(text []byte, mode parser.Mode, options ...parser.Option) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, fmt.Errorf("parse YAML: %v", r)
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if t := excess(tokens); t != nil {
		return nil, &TooMuch{t}
	}
	if file, err = parser.Parse(tokens, mode, options...); err != nil {
		return nil, err
	}
	s := sizes{anchors: map[string]int{}}
	for _, d := range file.Docs {
		if s.of(d.Body); s.over != nil {
			return nil, &TooMuch{s.over}
		}
	}
	return file, nil
}

// level is a bracket or a column that is open, and how many keys there are in it.
type level struct {
	column int // 0: a bracket
	keys   int
}

// excess is the first token that is nested too deeply, or one key too many.
func excess(tokens token.Tokens) *token.Token {
	var open []level
	for _, t := range tokens {
		at := t
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, level{})
		case token.MappingEndType, token.SequenceEndType:
			for len(open) > 0 && open[len(open)-1].column > 0 {
				open = open[:len(open)-1]
			}
			open = open[:max(len(open)-1, 0)]
			continue
		case token.MappingValueType:
			if t.Prev != nil {
				at = t.Prev
			}
			fallthrough
		case token.SequenceEntryType:
			open = enter(open, at.Position.Column)
			if t.Type == token.MappingValueType {
				if open[len(open)-1].keys++; open[len(open)-1].keys > maxKeys {
					return at
				}
			}
		case token.DocumentHeaderType, token.DocumentEndType:
			open = open[:0]
		default:
			continue
		}
		if len(open) > maxDepth {
			return at
		}
	}
	return nil
}

// enter opens a column of block style, and closes those further right. Brackets have none.
func enter(open []level, column int) []level {
	for i := len(open) - 1; i >= 0; i-- {
		switch l := open[i]; {
		case l.column == 0, l.column == column:
			return open[:i+1]
		case l.column < column:
			return append(open[:i+1], level{column: column})
		}
	}
	return append(open[:0], level{column: column})
}

// sizes counts what nodes mean with all aliases in their places.
type sizes struct {
	anchors map[string]int
	over    *token.Token
}

func (s *sizes) of(n ast.Node) int {
	size := 1
	switch n := n.(type) {
	case nil:
	case *ast.MappingNode:
		for _, kv := range n.Values {
			size += s.of(kv)
		}
	case *ast.MappingValueNode:
		size += s.of(n.Key) + s.of(n.Value)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			size += s.of(v)
		}
	case *ast.TagNode:
		size += s.of(n.Value)
	case *ast.AnchorNode:
		size = s.of(n.Value)
		s.anchors[n.Name.String()] = size
	case *ast.AliasNode:
		size = max(1, s.anchors[n.Value.String()])
	}
	if size > maxNodes {
		if size = maxNodes; s.over == nil {
			s.over = n.GetToken()
		}
	}
	return size
}
