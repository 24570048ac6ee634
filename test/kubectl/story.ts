// Does: reads and writes a story: files, shell commands with kubectl in them, and what each must print. Never runs one.
export interface Answer {
  /** Which minor versions print this: [27, 29]; undefined: all that no other answer names. */
  minors?: [number, number];
  /** Standard output, then standard error with "! " before each line, then "[code]" unless it is 0. */
  text: string;
}

export interface Command {
  line: number;
  /** Runs in a shell, with this version's kubectl on its path. */
  shell: string;
  /** The answer becomes so: asked again until it is. */
  eventually: boolean;
  answers: Answer[];
}

export interface Story {
  name: string;
  /** What the story shows, and who takes part; kept as it is. */
  head: string[];
  /** In a default run every version plays this one. */
  everyVersion: boolean;
  /** Needs containers that really run. */
  containers: boolean;
  files: Record<string, string>;
  commands: Command[];
}

const FILE = /^=== (\S+)$/;
const VERSIONS = /^\? 1\.(\d+)(?:\.\.1\.(\d+))?$/;

/**
 * The format:
 *   # words; `# every version` marks a story that all versions play by default
 *   === deployment.yaml      a file of the story, up to a line of `===`
 *   $ kubectl get pods       a command; `$~` instead of `$` if its answer only becomes so
 *   NAME …                   what it prints, up to an empty line before the next command
 *   ? 1.27..1.29             what these versions print instead
 */
export function readStory(name: string, text: string): Story {
  const story: Story = { name, head: [], everyVersion: false, containers: false, files: {}, commands: [] };
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const file = FILE.exec(line);
    const last = story.commands.at(-1);
    if (file !== null) {
      const end = lines.indexOf('===', at);
      story.files[file[1]!] = `${lines.slice(at + 1, end).join('\n')}\n`;
      at = end;
    } else if (/^\$~? /.test(line)) story.commands.push(readCommand(line, at + 1));
    else if (last !== undefined) readAnswer(last, line);
    else if (line !== '') story.head.push(line);
  }
  story.everyVersion = story.head.includes('# every version');
  story.containers = story.head.includes('# containers');
  for (const command of story.commands) for (const answer of command.answers) answer.text = answer.text.trimEnd();
  return story;
}

const readCommand = (line: string, at: number): Command => ({
  line: at,
  shell: line.replace(/^\$~? /, ''),
  eventually: line.startsWith('$~'),
  answers: [{ text: '' }],
});

function readAnswer(command: Command, line: string): void {
  const versions = VERSIONS.exec(line);
  if (versions === null) command.answers.at(-1)!.text += `${line}\n`;
  else {
    const first = Number(versions[1]);
    command.answers.push({ minors: [first, Number(versions[2] ?? first)], text: '' });
  }
}

export function answerFor(command: Command, minor: number): Answer {
  const own = command.answers.find(({ minors }) => minors !== undefined && minor >= minors[0] && minor <= minors[1]);
  return own ?? command.answers[0]!;
}

/** The story as text again, in the order in which it is read. */
export function writeStory(story: Story): string {
  const files = Object.entries(story.files).map(([name, text]) => `=== ${name}\n${text}===`);
  return `${[story.head.join('\n'), ...files, ...story.commands.map(writeCommand)].join('\n\n')}\n`;
}

function writeCommand(command: Command): string {
  const answers = command.answers.map(({ minors, text }) => {
    const head = minors === undefined ? [] : [`? 1.${minors[0]}${minors[1] === minors[0] ? '' : `..1.${minors[1]}`}`];
    return [...head, ...(text === '' ? [] : [text])].join('\n');
  });
  return [`$${command.eventually ? '~' : ''} ${command.shell}`, ...answers.filter((text) => text !== '')].join('\n');
}

/** A line of `...` stands for any lines, `...` within a line for any characters. */
export function matches(expected: string, actual: string): boolean {
  if (!expected.includes('...')) return expected === actual;
  const pattern = expected.split('\n').map((line) => {
    if (line.trim() === '...') return '(?:[^\\n]*\\n)*?';
    return `${line.split('...').map(escape).join('[^\\n]*?')}\\n`;
  });
  return new RegExp(`^${pattern.join('')}$`).test(`${actual}\n`);
}

const escape = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
