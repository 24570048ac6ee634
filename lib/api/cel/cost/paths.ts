// Decides how an estimate remembers where in the declared value a part of an expression comes from. A path that grows may share
// its memory with the one that it grew from, as slices of Go do: of two that grew from one, both then tell the later field, which
// is what the real server's estimates rest on. Never says how large anything is.

export interface Path {
  cells: string[];
  length: number;
  capacity: number;
}

export const NOWHERE: Path = { cells: [], length: 0, capacity: 0 };

export const pathOf = (name: string): Path => ({ cells: [name], length: 1, capacity: 1 });

export function grown(path: Path, name: string): Path {
  const { length, capacity } = path;
  if (length < capacity) {
    path.cells[length] = name;
    return { ...path, length: length + 1 };
  }
  return { cells: [...path.cells.slice(0, length), name], length: length + 1, capacity: Math.max(1, 2 * capacity) };
}

export const namesOf = ({ cells, length }: Path): string[] => cells.slice(0, length);
