// Does: shows lines on the whole terminal, again and again without flicker, and gives the terminal back as it was. Never
// decides what is shown.
import type { WriteStream } from 'node:tty';

const OTHER_SCREEN = '\u001B[?1049h\u001B[?25l';
const BACK = '\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const REST_OF_LINE = '\u001B[K';
const REST_OF_SCREEN = '\u001B[J';

export class Terminal {
  readonly #out: WriteStream;
  #isOpen = false;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  get size(): { columns: number; rows: number; colours: boolean } {
    return { columns: this.#out.columns, rows: this.#out.rows, colours: this.#out.hasColors() };
  }

  /** One write a picture: a terminal that shows half of one flickers. */
  draw(lines: readonly string[]): void {
    const opening = this.#isOpen ? '' : OTHER_SCREEN;
    this.#isOpen = true;
    const text = lines.map((line) => line + REST_OF_LINE).join('\r\n');
    this.#out.write(opening + HOME + text + REST_OF_SCREEN);
  }

  close(): void {
    if (this.#isOpen) this.#out.write(BACK);
    this.#isOpen = false;
  }
}
