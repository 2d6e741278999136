export class TableErrorBoundary extends React.Component<
  { children: React.ReactNode },
  ErrorBoundaryState
> {
  // ... existing code ...

  render() {
    if (this.state.error) {
      return (
        <div role="alert">
          <p>The table can't be shown: {this.state.error.message}</p>
          <button onClick={() => this.setState({ error: null })}>Try again</button>
        </div>
      );
    }
    return this.props.children;
  }
}
