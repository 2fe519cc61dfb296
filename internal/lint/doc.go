// Package lint holds the rules of the project as tests: directions of imports, unfinished work, unexplained dependencies.
package lint
