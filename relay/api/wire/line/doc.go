// Package line is what every long connection needs, whatever it speaks: a
// bounded [Queue] of what goes out, a [Budget] that pays for bytes in either
// direction, and buffers of a size for connections that are idle most of their
// life.
package line
