// Package text makes what people type safe to show to others: on any terminal,
// in a log, as a name. It is pure.
//
// [Clean] is for texts and loses nothing: what could harm is shown as what it
// is. [Name] and [Room] are for words that stand for somebody or something, and refuse
// what two readers could read differently; [Fold] is what names are compared by.
package text
