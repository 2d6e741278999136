package physics;

/** Units of temperature; everything is converted by way of kelvin. */
public enum TemperatureUnit {
    KELVIN("K") {
        @Override
        double toKelvin(double value) {
            return value;
        }

        @Override
        double fromKelvin(double kelvin) {
            return kelvin;
        }
    },

    CELSIUS("°C") {
        @Override
        double toKelvin(double value) {
            return value + 273.15;
        }

        @Override
        double fromKelvin(double kelvin) {
            if (kelvin < 0) {
                throw new IllegalArgumentException("below absolute zero");
            }
            return kelvin - 273.15;
        }
    };

    private final String symbol;

    TemperatureUnit(String symbol) {
        this.symbol = symbol;
    }

    abstract double toKelvin(double value);

    abstract double fromKelvin(double kelvin);

    /** Converts a value of this unit into another one. */
    public double convert(double value, TemperatureUnit target) {
        return target.fromKelvin(toKelvin(value));
    }

    /** For example "21.5 °C". */
    public String format(double value) {
        return String.format("%.1f %s", value, symbol);
    }
}
