interface Command {
  readonly constructor: { readonly name: string };
  readonly input: object;
}

/**
 * Stands for a client of the AWS SDK: answers by the command's name, and keeps what was asked. An answer is a value, an
 * error, or a function of the command's input that gives one of these.
 */
export function awsClient(answers: Readonly<Record<string, unknown>>) {
  const asked: { readonly command: string; readonly input: object }[] = [];
  const send = (command: Command): Promise<unknown> => {
    const name = command.constructor.name.replace(/Command$/, '');
    asked.push({ command: name, input: command.input });
    const given = answers[name];
    const answer = typeof given === 'function' ? (given as (input: object) => unknown)(command.input) : given;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? {});
  };
  return { asked, send: send as never };
}
