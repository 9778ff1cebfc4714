/** A page that is open: its content, and what to stop when the reader leaves it. */
export interface Page {
  readonly content: HTMLElement
  readonly leave?: () => void
}
