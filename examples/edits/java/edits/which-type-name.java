@Override
public String typeName() {
    return getClass().getSimpleName();
}
