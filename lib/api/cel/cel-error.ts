// Decides nothing: the one error that an expression throws. Never carries anything but its text.

export class CelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelError';
  }
}
