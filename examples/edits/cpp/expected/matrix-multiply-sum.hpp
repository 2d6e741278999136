#pragma once

#include <array>
#include <cstddef>

namespace la {

/// A dense matrix whose size is known at compile time.
template <typename T, std::size_t Rows, std::size_t Cols>
class Matrix {
public:
    T& at(std::size_t row, std::size_t col) { return cells_[row * Cols + col]; }
    const T& at(std::size_t row, std::size_t col) const
    {
        return cells_[row * Cols + col];
    }

    void fill(const T& value)
    {
        for (auto& cell : cells_)
            cell = value;
    }

    Matrix<T, Cols, Rows> transposed() const
    {
        Matrix<T, Cols, Rows> result;
        for (std::size_t r = 0; r < Rows; ++r)
            for (std::size_t c = 0; c < Cols; ++c)
                result.at(c, r) = at(r, c);
        return result;
    }

private:
    std::array<T, Rows * Cols> cells_{};
};

/// The usual product; the inner sizes have to agree.
template <typename T, std::size_t R, std::size_t N, std::size_t C>
Matrix<T, R, C> multiply(const Matrix<T, R, N>& a, const Matrix<T, N, C>& b)
{
    Matrix<T, R, C> result;
    for (std::size_t r = 0; r < R; ++r)
        for (std::size_t c = 0; c < C; ++c) {
            T sum{};
            for (std::size_t i = 0; i < N; ++i)
                sum += a.at(r, i) * b.at(i, c);
            result.at(r, c) = sum;
        }
    return result;
}

} // namespace la
