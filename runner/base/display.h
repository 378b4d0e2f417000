/* SPDX-License-Identifier: Apache-2.0 */
/*
 * display: text that others chose, where people and machines read it.
 *
 * File names, arguments, names of processes and of profiles may hold anything but
 * NUL. Passed on raw, an escape sequence acts on the terminal, a line feed begins a
 * line that looks like ours, and a character that turns the direction of writing
 * shows something else than what is there. Here is the one decision which characters
 * these are; jout escapes the same ones in JSON.
 */
#ifndef RUNNER_BASE_DISPLAY_H
#define RUNNER_BASE_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * The character at p, of `left` > 0 bytes: its length in UTF-8 (RFC 3629: no
 * surrogates, no overlong forms, nothing past U+10FFFF), or 0 when it is none.
 */
size_t display_decode(const unsigned char *p, size_t left, uint32_t *ret);

/**
 * Does it act on what is around it rather than being seen itself? Unicode's Cc, Cf,
 * Zl and Zp, and what it calls default ignorable.
 */
bool display_is_hidden(uint32_t character);

/**
 * The text for a terminal: "\x1b" for a hidden character below 256 and for a byte
 * that is not UTF-8, "\u202e" or "\U000e0001" for the other hidden ones. What does
 * not fit is left out, never cut in the middle of an escape. Returns ret.
 */
char *display(const char *text, char *ret, size_t size);

/** One line of ours: printf, then display() of all of it, then a line feed. */
void display_line(FILE *out, const char *fmt, ...) __attribute__((cold, format(printf, 2, 3)));

#endif
