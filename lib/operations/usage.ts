import type { Command, CommanderError } from 'commander';
import { similarTo } from '../config/similar';
import { usageError } from './exit-codes';
import type { OperationsError } from './exit-codes';

/** What is wrong with a command line, in a sentence: what was given, what is allowed, the mend. */
export function toldUsage(
  { code, message }: CommanderError,
  words: readonly string[],
  program: Command,
): OperationsError {
  const command = program.commands.find((each) => words.includes(each.name()));
  const name = command === undefined ? 'holdfast' : `holdfast ${command.name()}`;
  const given = /'([^']*)'/.exec(message)?.[1] ?? '';
  const see = `see npx ${name} --help`;
  switch (code) {
    case 'commander.unknownCommand':
    case 'commander.excessArguments':
      return command === undefined ? unknownCommand(words, program) : tooMany(name, command, see);
    case 'commander.unknownOption': {
      const allowed = optionsOf(program, command);
      const meant = similarTo(given, allowed);
      return usageError(
        `${name} has the unknown option "${given}"; allowed are ${allowed.join(', ')}: ${meant === undefined ? see : `write ${meant}`}.`,
      );
    }
    case 'commander.optionMissingArgument': {
      const option = given.split(' ')[0] ?? given;
      return usageError(`${name} has ${option} without a value; allowed is one behind it: write ${given}.`);
    }
    case 'commander.missingArgument':
      return usageError(`${name} lacks ${given.toUpperCase()}: ${see}.`);
    default:
      return usageError(`${name}: ${message.replace(/^error: /, '').replaceAll('\n', ' ')}; ${see}.`);
  }
}

function unknownCommand(words: readonly string[], program: Command): OperationsError {
  const names = program.commands.map((each) => each.name());
  const takesValue = (word = ''): boolean => /^--(stage|config)$/.test(word);
  const given = words.find((word, at) => !word.startsWith('-') && !takesValue(words[at - 1])) ?? '';
  const meant = similarTo(given, names);
  return usageError(
    `The command is "${given}"; allowed are ${names.join(', ')}: ${meant === undefined ? 'see npx holdfast --help' : `write ${meant}`}.`,
  );
}

function tooMany(name: string, command: Command, see: string): OperationsError {
  const allowed = command.registeredArguments.map((argument) => argument.name().toUpperCase());
  const surplus = command.args.slice(allowed.length).map((word) => `"${word}"`);
  return usageError(
    `${name} has ${surplus.join(' and ')} too many; allowed ${allowed.length === 0 ? 'is nothing' : `are ${allowed.join(' and ')}`} behind it: ${see}.`,
  );
}

function optionsOf(program: Command, command: Command | undefined): string[] {
  return [...(command?.options ?? []), ...program.options].flatMap(({ long }) => (long ? [long] : [])).concat('--help');
}
