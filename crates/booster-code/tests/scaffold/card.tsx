export function Card({ title }: Props): JSX.Element {
  return <div>{title}</div>;
}
